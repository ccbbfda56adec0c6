/** The smallest of `values` that `share` of them do not exceed; undefined if there are none. */
export function percentile(
  values: readonly number[],
  share: number,
): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1];
}
