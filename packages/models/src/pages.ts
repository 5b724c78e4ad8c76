/** A page by its number; pages begin with 1. */
export interface NumberedPage {
  page: number;
  perPage: number;
}

/** Rows of a page, and how many there are on all pages. */
export interface Numbered<T> {
  rows: T[];
  total: number;
}
