/* Ticks of axes: whole hours and days in the reader's zone, round numbers for values. */
export interface Tick {
    readonly at: number;
    readonly label: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14400];

interface Wall {
    readonly year: number;
    readonly month: number;
    readonly day: number;
    readonly hour: number;
    readonly minute: number;
    readonly second: number;
    readonly weekday: string;
    readonly monthName: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
    let f = formats.get(zone);
    if (f === undefined) {
        f = new Intl.DateTimeFormat('en-GB', {
            timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit',
            minute: '2-digit', second: '2-digit', weekday: 'short'
        });
        formats.set(zone, f);
    }
    return f;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/* What a clock on the wall of that zone shows. */
export function wall(ms: number, zone: string): Wall {
    const p: Record<string, string> = {};
    for (const part of format(zone).formatToParts(ms))
        p[part.type] = part.value;
    const monthName = p.month!.slice(0, 3);
    return {
        year: Number(p.year), month: MONTHS.indexOf(monthName) + 1, day: Number(p.day), hour: Number(p.hour),
        minute: Number(p.minute), second: Number(p.second), weekday: p.weekday!, monthName
    };
}

/* How far the zone's clocks are ahead of UTC at that moment. */
export function offsetMs(ms: number, zone: string): number {
    const w = wall(ms, zone);
    return Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute, w.second) - Math.floor(ms / 1000) * 1000;
}

/* The moment at which the zone's clocks show this; of two (an hour twice) the first, of none the one after the gap. */
export function fromWall(local_ms: number, zone: string): number {
    const before = local_ms - offsetMs(local_ms - DAY_MS, zone);
    const after = local_ms - offsetMs(local_ms + DAY_MS, zone);
    if (before + offsetMs(before, zone) === local_ms)
        return after < before && after + offsetMs(after, zone) === local_ms ? after : before;
    return after + offsetMs(after, zone) === local_ms ? after : before;
}

const two = (n: number) => String(n).padStart(2, '0');

/* For <input type="datetime-local">, and back; null when it is no time. */
export function toInput(ms: number, zone: string): string {
    const w = wall(ms, zone);
    return `${w.year}-${two(w.month)}-${two(w.day)}T${two(w.hour)}:${two(w.minute)}`;
}

export function fromInput(text: string, zone: string): number | null {
    const local = Date.parse(text + 'Z');
    return Number.isFinite(local) ? fromWall(local, zone) : null;
}

function label(ms: number, zone: string, step_min: number): string {
    const w = wall(ms, zone);
    if (step_min >= 1440)
        return `${w.weekday} ${w.day} ${w.monthName}`;
    const time = `${two(w.hour)}:${two(w.minute)}`;
    return w.hour === 0 && w.minute === 0 ? `${time} ${w.weekday}` : time;
}

/* At most `most` ticks on whole steps of the zone's own clock, from..to. */
export function timeTicks(from_ms: number, to_ms: number, most: number, zone: string): Tick[] {
    const length_min = (to_ms - from_ms) / MINUTE_MS;
    const step_min = STEPS_MIN.find((s) => length_min / s <= Math.max(1, most)) ?? 43_200;
    const step_ms = step_min * MINUTE_MS;
    const start = from_ms + offsetMs(from_ms, zone);
    const out: Tick[] = [];
    for (let local = Math.ceil(start / step_ms) * step_ms; out.length < 200; local += step_ms) {
        const at = fromWall(local, zone);
        if (at > to_ms)
            break;
        if (at >= from_ms && at !== out.at(-1)?.at)
            out.push({ at, label: label(at, zone, step_min) });
    }
    return out;
}

/* Round values 0..max, at most `most` steps; the last one covers max. */
export function valueTicks(max: number, most: number): number[] {
    if (!(max > 0) || !Number.isFinite(max))
        return [0, 1];
    const rough = max / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough * 0.999999) ?? 10 * power;
    const out = [];
    for (let i = 0; i <= Math.ceil(max / step - 1e-9); i++)
        out.push(Number((i * step).toPrecision(12)));
    return out;
}

export interface Scale {
    readonly by: number;
    readonly unit: string;
}

const PREFIXES: readonly Scale[] = [
    { by: 1e15, unit: 'P' }, { by: 1e12, unit: 'T' }, { by: 1e9, unit: 'G' }, { by: 1e6, unit: 'M' }, { by: 1e3, unit: 'k' }
];

/* One unit for a whole axis or column: by what to divide so that max reads well. */
export function scaleOf(max: number, unit: string): Scale {
    const p = PREFIXES.find((q) => max >= q.by);
    return p === undefined ? { by: 1, unit } : { by: p.by, unit: p.unit + unit };
}

/* A round value on an axis: as few digits as it has. */
export function tickText(value: number, scale: Scale): string {
    return String(Number((value / scale.by).toPrecision(3))).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, '\u202f');
}

/* A value of such an axis: 3.42, 41.2, 812, spaces that do not break between thousands. */
export function scaled(value: number, scale: Scale): string {
    const v = value / scale.by;
    const digits = scale.by === 1 || Math.abs(v) >= 100 ? 0 : Math.abs(v) >= 10 ? 1 : 2;
    return v.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, '\u00a0');
}
