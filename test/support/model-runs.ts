/** How many histories each comparison takes: DACE_MODEL_RUNS for a longer look. */
export const HISTORIES = Number(process.env['DACE_MODEL_RUNS'] ?? 10_000);

/** A part of them, where one history costs more. */
export const partOf = (share: number): number => Math.ceil(HISTORIES * share);

/** What a long look may take. */
export const PATIENCE_MS = 30_000 + 12 * HISTORIES;
