/** What `/health` said at one moment. */
export interface Health {
  readonly httpStatus: number;
  readonly status: string;
}

export async function askHealth(url: string): Promise<Health> {
  const response = await fetch(`${url}/health`);
  const { status } = (await response.json()) as { status: string };
  return { httpStatus: response.status, status };
}
