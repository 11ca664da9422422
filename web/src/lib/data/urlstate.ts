/*
 * The state of a view in its address: what is shown can be shared as a link and walked back to.
 * Unknown or impossible parts of an address fall back to the usual ones instead of failing.
 */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/* A time that moves with the clock, or one that stands. */
export type Range = { readonly last_ms: number } | { readonly from_ms: number; readonly to_ms: number };

export interface Span {
    readonly from_ms: number;
    readonly to_ms: number;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: HOUR_MS, d: DAY_MS };
export const LAST_MAX_MS = 30 * DAY_MS;

export const PERIODS = [
    { last_ms: HOUR_MS, label: '1 h' },
    { last_ms: DAY_MS, label: '24 h' },
    { last_ms: 7 * DAY_MS, label: '7 d' },
    { last_ms: 14 * DAY_MS, label: '14 d' },
    { last_ms: 30 * DAY_MS, label: '30 d' }
] as const;

export function parseLast(text: string): number | null {
    const m = /^(\d{1,5})([mhd])$/.exec(text);
    const ms = m === null ? 0 : Number(m[1]) * UNITS[m[2]!]!;
    return ms > 0 && ms <= LAST_MAX_MS ? ms : null;
}

export function formatLast(ms: number): string {
    if (ms % DAY_MS === 0 && ms > DAY_MS)
        return `${ms / DAY_MS}d`;
    return ms % HOUR_MS === 0 ? `${ms / HOUR_MS}h` : `${Math.round(ms / 60_000)}m`;
}

export function iso(ms: number): string {
    return new Date(ms).toISOString();
}

function parseTime(text: string | null): number | null {
    const ms = text === null || !/^\d{4}-\d\d-\d\dT/.test(text) ? NaN : Date.parse(text);
    return Number.isFinite(ms) ? ms : null;
}

export function readRange(params: URLSearchParams, usual_ms: number): Range {
    const from_ms = parseTime(params.get('from'));
    const to_ms = parseTime(params.get('to'));
    if (from_ms !== null && to_ms !== null && from_ms < to_ms)
        return { from_ms, to_ms };
    return { last_ms: parseLast(params.get('last') ?? '') ?? usual_ms };
}

function set(params: URLSearchParams, name: string, value: string | null | undefined): void {
    if (value === null || value === undefined || value === '')
        params.delete(name);
    else
        params.set(name, value);
}

export function writeRange(params: URLSearchParams, range: Range | null): void {
    const fixed = range !== null && 'from_ms' in range;
    set(params, 'last', range !== null && !fixed ? formatLast((range as { last_ms: number }).last_ms) : null);
    set(params, 'from', fixed ? iso(range.from_ms) : null);
    set(params, 'to', fixed ? iso(range.to_ms) : null);
}

/* Edges on whole steps: rollups answer those, and a picture does not tremble while time goes on. */
export function spanOf(range: Range, now_ms: number, step_ms: number): Span {
    if ('from_ms' in range)
        return range;
    const to_ms = Math.ceil(now_ms / step_ms) * step_ms;
    return { from_ms: to_ms - Math.ceil(range.last_ms / step_ms) * step_ms, to_ms };
}

const STEPS_MS = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((m) => m * 60_000);

/* The narrowest usual step that makes at most `most` points of a range. */
export function stepFor(length_ms: number, most: number): number {
    return STEPS_MS.find((s) => length_ms / s <= most) ?? DAY_MS;
}

export function lengthOf(range: Range): number {
    return 'from_ms' in range ? range.to_ms - range.from_ms : range.last_ms;
}

/* Everything that Analytics and the log explorer show. */
export interface View {
    range: Range;
    where: string;
    metric: string; /* '' is the page's usual one */
    selected: string | null; /* the application, website or user in the side panel */
    brush: Span | null;
    row: string | null; /* the opened row: its event.id */
    context: string | null; /* the row whose neighbours are shown */
    tail: boolean;
    limit: number; /* rows of a table of groups */
}

export const METRICS = ['bytes', 'down', 'up', 'sessions', 'packets', 'seconds', 'rows'] as const;
const ROW_ID = /^\d{4}-\d\d-\d\d\.\d{1,19}$/;

export function readView(params: URLSearchParams, usual_ms: number = DAY_MS): View {
    const metric = params.get('metric') ?? '';
    const brush_from = parseTime(params.get('bf'));
    const brush_to = parseTime(params.get('bt'));
    const id = (name: string) => {
        const text = params.get(name);
        return text !== null && ROW_ID.test(text) ? text : null;
    };
    const limit = Number(params.get('n') ?? '');
    return {
        range: readRange(params, usual_ms),
        where: (params.get('q') ?? '').slice(0, 4096),
        metric: (METRICS as readonly string[]).includes(metric) ? metric : '',
        selected: params.get('sel'),
        brush: brush_from !== null && brush_to !== null && brush_from < brush_to
            ? { from_ms: brush_from, to_ms: brush_to } : null,
        row: id('row'),
        context: id('near'),
        tail: params.get('tail') === '1',
        limit: Number.isInteger(limit) && limit > 0 && limit <= 1000 ? limit : 0
    };
}

/* The whole query of an address; foreign parameters of `keep` stay. */
export function writeView(view: View, usual_ms: number = DAY_MS, keep = new URLSearchParams()): URLSearchParams {
    const params = new URLSearchParams(keep);
    const usual = 'last_ms' in view.range && view.range.last_ms === usual_ms;
    writeRange(params, usual ? null : view.range);
    set(params, 'q', view.where.trim());
    set(params, 'metric', view.metric);
    set(params, 'sel', view.selected);
    set(params, 'bf', view.brush === null ? null : iso(view.brush.from_ms));
    set(params, 'bt', view.brush === null ? null : iso(view.brush.to_ms));
    set(params, 'row', view.row);
    set(params, 'near', view.context);
    set(params, 'tail', view.tail ? '1' : null);
    set(params, 'n', view.limit > 0 ? String(view.limit) : null);
    return params;
}

/* The lines behind a number: the log explorer with its filter and time. */
export function linesHref(base: string, where: string, range: Range): string {
    const params = new URLSearchParams();
    set(params, 'q', where.trim());
    writeRange(params, range);
    const text = params.toString();
    return base + (text === '' ? '' : '?' + text);
}
