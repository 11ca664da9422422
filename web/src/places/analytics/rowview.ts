/* How a row shows in a line of the table, and which of its fields can be asked for. */
import { number, span } from '../../lib/data/format.ts';
import { findField } from '../../lib/data/fields.ts';
import type { Row } from '../../lib/data/logs.ts';
import { wall } from '../../lib/viz/ticks.ts';

export interface Column {
    readonly key: string;
    readonly title: string;
    readonly num?: boolean;
    readonly mono?: boolean;
    readonly text: (row: Row) => string;
}

const first = (row: Row, ...names: string[]) => names.map((n) => row.at[n]).find((v) => v !== undefined) ?? '';

function mega(text: string): string {
    const v = Number(text);
    if (text === '' || !Number.isFinite(v))
        return '';
    const m = v / 1e6;
    return number(m, m >= 10 ? 1 : m >= 0.1 ? 2 : 3);
}

function lasted(row: Row): string {
    const ns = Number(row.at['event.duration'] ?? NaN);
    return Number.isFinite(ns) ? span(ns / 1000) : '';
}

function target(row: Row): string {
    const name = first(row, 'url.domain', 'url.original');
    if (name !== '')
        return name;
    const port = row.at['destination.port'];
    const ip = first(row, 'destination.ip');
    return ip === '' ? first(row, 'message') : ip + (port === undefined ? '' : (ip.includes(':') ? ' ' : ':') + port);
}

export const COLUMNS: readonly Column[] = [
    { key: 'device', title: 'Device', mono: true, text: (r) => first(r, 'observer.name') },
    { key: 'action', title: 'Action', text: (r) => first(r, 'event.action', 'event.code') },
    { key: 'user', title: 'User', mono: true, text: (r) => first(r, 'user.name', 'source.ip').replace(/^user ([0-9a-f]{8})$/, '$1') },
    { key: 'app', title: 'Application', text: (r) => first(r, 'network.application', 'event.code') },
    { key: 'target', title: 'Destination', mono: true, text: target },
    { key: 'down', title: 'MB down', num: true, mono: true, text: (r) => mega(first(r, 'fairlead.bytes_down', 'destination.bytes')) },
    { key: 'up', title: 'MB up', num: true, mono: true, text: (r) => mega(first(r, 'fairlead.bytes_up', 'source.bytes')) },
    { key: 'took', title: 'Duration', num: true, mono: true, text: lasted },
    { key: 'reason', title: 'Reason', text: (r) => first(r, 'threat.name', 'event.reason') }
];

const two = (n: number) => String(n).padStart(2, '0');

/* Time first: of the day, with milliseconds; with the date where the rows are of several days. */
export function timeText(row: Row, zone: string, dated: boolean): string {
    const ms = Date.parse(row.time);
    if (!Number.isFinite(ms))
        return '–';
    const w = wall(ms, zone);
    const time = `${two(w.hour)}:${two(w.minute)}:${two(w.second)}.${String(new Date(ms).getUTCMilliseconds()).padStart(3, '0')}`;
    return dated ? `${w.day} ${w.monthName} ${time}` : time;
}

const HIDDEN = new Set(['event.id', 'event.original']);
const NOT_ASKED = new Set(['event.original', 'event.sequence', 'message', 'fairlead.extra', 'fairlead.shape']);

export interface Item {
    readonly ecs: string;
    readonly value: string;
    readonly asked: string | null; /* name in the filter language; null: has no + and - */
    readonly filter: string; /* the value as the filter wants it */
    readonly personal: boolean;
}

/* All fields of a row in the order of the schema's names, the raw line apart. */
export function itemsOf(row: Row): Item[] {
    return Object.entries(row.at).filter(([ecs]) => !HIDDEN.has(ecs)).map(([ecs, value]) => {
        const field = findField(ecs);
        const able = field !== undefined && field.type !== 'time' && !NOT_ASKED.has(ecs) && value.length <= 500 && value !== '•••';
        const filter = ecs === 'event.duration' ? String(Math.round(Number(value) / 1e9)) : ecs === 'tags' ? value.split(', ')[0]! : value;
        const text = ecs === 'event.duration' ? span(Number(value) / 1000) : field?.type === 'number' && field.unit === 'bytes' ? number(Number(value)) : value;
        return { ecs, value: text, asked: able ? field.name : null, filter, personal: field?.personal ?? false };
    });
}

/* The piece of a list that is in sight; row `open` is higher by `extra`. */
export function windowOf(count: number, height: number, open: number, extra: number, top: number, view: number): { from: number; to: number; before: number; after: number } {
    const index = (y: number) => (open >= 0 && y > (open + 1) * height ? Math.max(open, Math.floor((y - extra) / height)) : Math.floor(y / height));
    const from = Math.max(0, Math.min(count, index(top)) - 8);
    const to = Math.min(count, index(top + view) + 9);
    const y = (i: number) => i * height + (open >= 0 && i > open ? extra : 0);
    return { from, to, before: y(from), after: y(count) - y(to) };
}
