/** The token of the `ClientProxy`. */
export const INVENTORY_CLIENT = 'INVENTORY_CLIENT';

/** What the inventory answers. */
export interface Stock {
  readonly sku: string;
  /** Null where nobody knows. */
  readonly left: number | null;
}

export interface Reservation {
  readonly sku: string;
  /** The process that holds it. */
  readonly heldBy: number;
}
