/* What the pages of drills share. */
import type { Form } from '../../lib/data/client.ts';

export type Drill = Form<'Drill'>;
export type DrillHead = Form<'DrillHead'>;
export type DrillAnswer = Form<'DrillAnswer'>;

export const STATES: Readonly<Record<DrillHead['state'], string>> = { planned: 'Planned', running: 'Running', paused: 'Paused', ended: 'Ended' };

/** 6440 -> "01:47:20". */
export function clockText(seconds: number): string {
    const s = Math.max(0, Math.floor(seconds));
    return [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, '0')).join(':');
}

/** 760 -> "12 min 40 s". */
export function inText(seconds: number): string {
    const s = Math.max(0, Math.ceil(seconds));
    return s >= 3600 ? `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min` : s >= 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s} s`;
}

/** Minutes begun: an answer after 11 min 2 s took 12. */
export const minutesOf = (seconds: number): number => Math.ceil(seconds / 60 - 1e-9);

export type Bar = 'ok' | 'late' | 'open';

/** How an answer is drawn; undefined: not at all. */
export function barOf(state: DrillAnswer['state']): Bar | undefined {
    return state === 'in_time' ? 'ok' : state === 'late' || state === 'very_late' ? 'late' : state === 'open' || state === 'overdue' || state === 'missing' ? 'open' : undefined;
}

/** What became of an inject, from its answers: "Met", "1 late", "2 missing", "Open". */
export function resultOf(answers: readonly DrillAnswer[]): { level: 'ok' | 'minor' | 'major' | 'warning'; text: string } {
    const is = (...states: DrillAnswer['state'][]): number => answers.filter((a) => states.includes(a.state)).length;
    const missing = is('missing');
    const late = is('late', 'very_late');
    if (is('overdue') > 0) return { level: 'major', text: `Open, ${is('overdue')} overdue` };
    if (is('open') > 0) return { level: 'warning', text: 'Open' };
    if (missing > 0) return { level: 'major', text: `${missing} missing` };
    if (late > 0) return { level: 'minor', text: `${late} late` };
    return is('in_time') > 0 ? { level: 'ok', text: 'Met' } : { level: 'ok', text: 'Not counted' };
}

/** "38.2,140.9 39.0,141.2" -> corners; what cannot be read is NaN. */
export function corners(text: string): [number, number][] {
    return text.trim().split(/\s+/).map((c) => { const [lat, lon] = c.split(','); return [Number(lat), Number(lon ?? NaN)]; });
}

/** "J. Castellan, logistics" a line; whether the name is that of an account, the server knows. */
export function people(text: string): { name: string; role: string }[] {
    return text.split('\n').map((l) => l.trim()).filter(Boolean).map((line) => {
        const [name = '', role = ''] = line.split(',').map((s) => s.trim());
        return { name, role };
    });
}
