/* Exposure: what the page calculates from the answers of the server, and nothing more. */
import type { Form } from '../../lib/data/client.ts';

export type Exposed = Form<'Exposed'>;
export type Curve = Form<'ExposureCurve'>;

/** The value of a curve between its points. */
export function at(xs: readonly number[], ys: readonly (number | null)[], x: number): number {
    if (xs.length === 0) return NaN;
    let i = xs.findIndex((v) => v >= x);
    if (i < 0) i = xs.length - 1;
    if (i === 0) return ys[0] ?? NaN;
    const x0 = xs[i - 1]!, x1 = xs[i]!;
    const y0 = ys[i - 1] ?? NaN, y1 = ys[i] ?? NaN;
    return x1 === x0 ? y1 : y0 + ((y1 - y0) * Math.min(1, Math.max(0, (x - x0) / (x1 - x0))));
}

/** Days as people speak of a standstill: "19 d", "8 weeks". */
export function downText(days: number): string {
    return days % 7 === 0 && days >= 14 ? `${days / 7} weeks` : days === 7 ? '1 week' : days === 1 ? '1 day' : `${days} days`;
}

/** As CSV: what Excel and the program itself read back. */
export function csv(rows: readonly (readonly (string | number | null | undefined)[])[]): string {
    const cell = (v: string | number | null | undefined): string => {
        const text = v === null || v === undefined ? '' : String(v);
        return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return rows.map((r) => `${r.map(cell).join(',')}\r\n`).join('');
}
