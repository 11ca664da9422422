/* Saved searches in words, and the view that each one opens. */
import type { Form } from '../../lib/data/client.ts';
import { bytes, number, span as length } from '../../lib/data/format.ts';
import { formatLast, parseLast, type Range } from '../../lib/data/urlstate.ts';
import type { Query } from '../../app/router.svelte.ts';

export type Search = Form<'Search'>;

const PATHS: Readonly<Record<string, string>> = { applications: '/analytics/applications', websites: '/analytics/websites', users: '/analytics/users' };
const ONES: Readonly<Record<string, string>> = { app: 'application', domain: 'website', user: 'user' };

export function viewOf(s: Pick<Search, 'view' | 'where' | 'from' | 'to' | 'metric'>): { path: string; query: Query } {
    const path = PATHS[s.view] ?? '/analytics/logs';
    const last = parseLast(s.from);
    return { path, query: { q: s.where, last: last === null ? '' : s.from, from: last === null ? s.from : '', to: last === null && s.from ? s.to : '', metric: path === '/analytics/logs' ? '' : s.metric } };
}

/* A range as a saved search keeps it: a span before now, or two times. */
export function kept(range: Range): { from: string; to: string } {
    return 'from_ms' in range ? { from: new Date(range.from_ms).toISOString(), to: new Date(range.to_ms).toISOString() } : { from: formatLast(range.last_ms), to: '' };
}

export function minutesText(minutes: number): string {
    if (minutes % 1440 === 0)
        return minutes === 1440 ? 'day' : `${minutes / 1440} days`;
    if (minutes % 60 === 0)
        return minutes === 60 ? 'hour' : `${minutes / 60} hours`;
    return `${minutes} minutes`;
}

/* What is measured: "lines", "bytes of the largest application". */
export function measured(metric: string, by: string): string {
    const what = { rows: 'lines', bytes: 'bytes', down: 'bytes down', up: 'bytes up', sessions: 'sessions', packets: 'packets', seconds: 'seconds' }[metric] ?? metric;
    return by === '' ? what : `${what} of the largest ${ONES[by] ?? by}`;
}

export function isBytes(metric: string): boolean {
    return metric === 'bytes' || metric === 'down' || metric === 'up';
}

export function valueText(metric: string, value: number): string {
    return isBytes(metric) ? bytes(value) : metric === 'seconds' ? length(value * 1e6) : number(value);
}
