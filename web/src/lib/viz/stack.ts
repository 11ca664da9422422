/* Series on top of each other: at most seven and the rest, rates, and sums over a piece of time. */
export interface Line {
    readonly key: string | null; /* null: rows without the field, or the rest */
    readonly other: boolean;
    readonly values: readonly number[];
}

export interface Series {
    readonly from_ms: number;
    readonly step_ms: number;
    readonly lines: readonly Line[];
}

export const MOST_LINES = 8;

export function sum(values: readonly number[]): number {
    let total = 0;
    for (const v of values)
        total += v;
    return total;
}

function added(lines: readonly Line[], length: number): number[] {
    const out = new Array<number>(length).fill(0);
    for (const line of lines)
        for (let i = 0; i < length; i++)
            out[i]! += line.values[i] ?? 0;
    return out;
}

/* The largest lines, as ordered by the server, and one line of everything else, if there is any. */
export function topAndOther(lines: readonly Line[], most = MOST_LINES): Line[] {
    const length = lines[0]?.values.length ?? 0;
    const named = lines.filter((l) => !l.other);
    const rest = [...lines.filter((l) => l.other), ...named.slice(most - 1)];
    const other = added(rest, length);
    const top = named.slice(0, most - 1);
    return sum(other) > 0 ? [...top, { key: null, other: true, values: other }] : top;
}

/* Upper edges, lowest line first. */
export function stacked(lines: readonly Line[]): number[][] {
    let below: readonly number[] = new Array<number>(lines[0]?.values.length ?? 0).fill(0);
    return lines.map((line) => {
        const edge = line.values.map((v, i) => v + (below[i] ?? 0));
        below = edge;
        return edge;
    });
}

/* Bytes in a step to bits a second. */
export function bitRates(lines: readonly Line[], step_ms: number): Line[] {
    const by = 8000 / step_ms;
    return lines.map((l) => ({ ...l, values: l.values.map((v) => v * by) }));
}

/* Sum of the steps that touch from..to. */
export function sumBetween(series: Series, line: Line, from_ms: number, to_ms: number): number {
    const first = Math.max(0, Math.floor((from_ms - series.from_ms) / series.step_ms));
    const end = Math.min(line.values.length, Math.ceil((to_ms - series.from_ms) / series.step_ms));
    return sum(line.values.slice(first, Math.max(first, end)));
}

/* The piece of time between a and b on whole grains within begin..end; at least one grain. */
export function snap(begin_ms: number, end_ms: number, grain_ms: number, a_ms: number, b_ms: number): { from_ms: number; to_ms: number } {
    const at = (ms: number) => begin_ms + Math.round((ms - begin_ms) / grain_ms) * grain_ms;
    const from_ms = Math.min(Math.max(begin_ms, at(Math.min(a_ms, b_ms))), end_ms - grain_ms);
    const to_ms = Math.min(end_ms, Math.max(from_ms + grain_ms, at(Math.max(a_ms, b_ms))));
    return { from_ms, to_ms };
}

/* Points of an SVG polyline in width x height, the largest of `max` at the top. */
export function sparkPath(values: readonly number[], width: number, height: number, max: number): string {
    if (values.length < 2)
        return '';
    const top = max > 0 ? max : 1;
    const x = width / (values.length - 1);
    return values
        .map((v, i) => `${i === 0 ? 'M' : 'L'}${(i * x).toFixed(1)} ${(height - (Math.min(v, top) / top) * height).toFixed(1)}`)
        .join('');
}

/* Places for labels of one column: as near as may be to where they want to be, never over each other. */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
    const order = wanted.map((w, i) => ({ w, i })).sort((a, b) => a.w - b.w || b.i - a.i); /* of equals the upper area is the later one */
    const out = new Array<number>(wanted.length);
    let at = low - gap;
    for (const o of order) {
        at = Math.max(o.w, at + gap);
        out[o.i] = at;
    }
    at = high + gap;
    for (const o of order.reverse()) {
        at = Math.min(out[o.i]!, at - gap);
        out[o.i] = at;
    }
    return out;
}

/* A share of one colour (#rrggbb) and the rest of another, opaque: areas lie over each other. */
export function blend(a: string, b: string, share: number): string {
    const part = (text: string, at: number) => parseInt(text.slice(at, at + 2), 16);
    if (!/^#[0-9a-f]{6}$/i.test(a) || !/^#[0-9a-f]{6}$/i.test(b))
        return a;
    return '#' + [1, 3, 5].map((at) => Math.round(part(a, at) * share + part(b, at) * (1 - share)).toString(16).padStart(2, '0')).join('');
}
