/* Numbers as people read them: a space that does not break between thousands, the unit after the number. */

const GAP = '\u00a0';
const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

/** 41200 -> "41 200"; at most `digits` after the point. */
export function number(value: number, digits = 0): string {
    if (!Number.isFinite(value)) return '–';
    const text = Math.abs(value).toFixed(digits);
    const [whole = '0', part] = text.split('.');
    const grouped = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, GAP) : whole;
    return (value < 0 ? '−' : '') + grouped + (part ? `.${part}` : '');
}

function scaled(value: number, unit: string): string {
    if (!Number.isFinite(value)) return '–';
    let at = 0;
    let rest = Math.abs(value);
    while (rest >= 999.5 && at < UNITS.length - 1) {
        rest /= 1000;
        at++;
    }
    const digits = at === 0 || rest >= 100 ? 0 : rest >= 10 ? 1 : 2;
    return `${value < 0 ? '−' : ''}${number(rest, digits)}${GAP}${UNITS[at]}${unit}`.trimEnd();
}

/** 3420000000 -> "3.42 GB" (powers of 1000). */
export const bytes = (value: number): string => scaled(value, 'B');
/** Bits a second. */
export const bitRate = (value: number): string => scaled(value, 'bit/s');
/** 41200 -> "41.2 k". */
export const short = (value: number): string => scaled(value, '');
/** 0.312 -> "31.2 %". */
export const percent = (share: number, digits = 1): string => `${number(share * 100, digits)}${GAP}%`;

/** "1 device", "3 devices". */
export function count(value: number, one: string, many = `${one}s`): string {
    return `${number(value)} ${value === 1 ? one : many}`;
}

/** A length of time in microseconds: "0.4 s", "2:14 h", "3 d". */
export function span(us: number): string {
    const s = Math.abs(us) / 1e6;
    if (s < 10) return `${number(s, 1)}${GAP}s`;
    if (s < 120) return `${number(s)}${GAP}s`;
    if (s < 3600) return `${number(Math.floor(s / 60))}${GAP}min`;
    if (s < 172800) return `${Math.floor(s / 3600)}:${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}${GAP}h`;
    return `${number(Math.floor(s / 86400))}${GAP}d`;
}

/** A quantity with a unit as people type it: "50 GB", "500 M", "0" -> bytes; NaN when it is none. */
export function parseBytes(text: string): number {
    const match = /^\s*(\d+(?:[.,]\d+)?)\s*([kKMGTP]?)(i?)B?\s*$/.exec(text);
    if (!match) return NaN;
    const power = UNITS.indexOf(match[2] === 'K' ? 'k' : (match[2] ?? ''));
    return Math.round(Number(match[1]!.replace(',', '.')) * (match[3] ? 1024 : 1000) ** power);
}
