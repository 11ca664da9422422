/* Alarms of one object together, the worst first; what is read does not move when new ones come. */
import type { Form } from '../../lib/data/client.ts';

export type Alarm = Form<'Alarm'>;

export interface Group {
    readonly key: string;
    readonly alarms: Alarm[];
    readonly worst: Alarm;
}

const RANK: Readonly<Record<string, number>> = { critical: 0, major: 1, minor: 2, warning: 3 };

export function byWeight(a: Alarm, b: Alarm): number {
    return (RANK[a.severity] ?? 9) - (RANK[b.severity] ?? 9) || (a.since ?? '').localeCompare(b.since ?? '') || a.id - b.id;
}

export function grouped(alarms: readonly Alarm[]): Group[] {
    const map = new Map<string, Alarm[]>();
    for (const a of [...alarms].sort(byWeight)) {
        const key = `${a.object.type}/${a.object.id}`;
        map.set(key, [...(map.get(key) ?? []), a]);
    }
    return [...map].map(([key, list]) => ({ key, alarms: list, worst: list[0]! }));
}

/*
 * While somebody reads, rows keep their order: known alarms get their new state, those that are over leave,
 * new ones wait; `waiting` says how many.
 */
export function held(shown: readonly Alarm[], fresh: readonly Alarm[]): { alarms: Alarm[]; waiting: number } {
    const now = new Map(fresh.map((a) => [a.id, a]));
    const known = new Set(shown.map((a) => a.id));
    return {
        alarms: shown.flatMap((a) => now.get(a.id) ?? []),
        waiting: fresh.filter((a) => !known.has(a.id)).length
    };
}

/* "2:14" hours and minutes; days above two. */
export function age(since: string | null, now_ms: number): string {
    if (since === null)
        return '–';
    const min = Math.max(0, Math.floor((now_ms - Date.parse(since)) / 60_000));
    if (min >= 2880)
        return `${Math.floor(min / 1440)} d`;
    return `${Math.floor(min / 60)}:${String(min % 60).padStart(2, '0')}`;
}

/* A step of an alarm's history as a sentence. */
export function stepText(s: Form<'AlarmStep'>): string {
    const by = s.by === null ? '' : ` by ${s.by}`;
    const about = s.text === '' ? '' : `: ${s.text}`;
    switch (s.what) {
    case 'raised': return `Raised, ${s.severity}${about}`;
    case 'severity': return `Now ${s.severity}${about}`;
    case 'cleared': return 'Cleared by itself';
    case 'acknowledged': return `Acknowledged${by}`;
    case 'unacknowledged': return `No longer acknowledged${by}`;
    case 'assigned': return s.text === '' ? `Owner taken away${by}` : `Given to ${s.text}${by}`;
    case 'muted': return `Muted${by}${about}`;
    case 'unmuted': return `Heard again${by}`;
    default: return `${s.what}${by}${about}`;
    }
}
