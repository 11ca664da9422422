/* The columns and the chips of Table.svelte. */
import type { Snippet } from 'svelte';

export interface Column<T> {
    key: string;
    title: string;
    /** The text of the cell, for sorting, searching, and for the cell itself where there is no snippet. */
    text: (row: T) => string;
    /** What sorting compares, where it is not the text. */
    sort?: (row: T) => number | string;
    cell?: Snippet<[T]>;
    num?: boolean;
    mono?: boolean;
    /** The heading of the row. */
    head?: boolean;
    /** False: cannot be sorted. */
    sortable?: boolean;
    /** Left out on a narrow screen. */
    wide?: boolean;
    /** The title is read, not shown. */
    bare?: boolean;
}

export interface Chip<T> {
    key: string;
    label: string;
    test: (row: T) => boolean;
}

export function compare(a: number | string, b: number | string): number {
    if (typeof a === 'number' && typeof b === 'number') {
        if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
        return Number.isNaN(b) ? -1 : a - b;
    }
    return String(a).localeCompare(String(b), 'en', { numeric: true, sensitivity: 'base' });
}
