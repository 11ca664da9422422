/*
 * Questions to the logs. Their answers end with a line about themselves (partial? rows looked at,
 * time), which is asked for by the header Fairlead-Result: pages cannot read HTTP trailers.
 */
import { API, ask, get, hooks, type Form } from './client.ts';
import { Problem } from './problem.ts';
import type { Line, Series as Stack } from '../viz/stack.ts';
import { iso, type Span } from './urlstate.ts';

export interface Result {
    readonly partial: boolean;
    readonly from_rollups: boolean;
    readonly rows_scanned: number;
    readonly rows_matched: number;
    readonly bytes_read: number;
    readonly elapsed_us: number;
    readonly cursor: string;
    readonly why: string;
}

export interface Answer<T> {
    readonly value: T;
    readonly result: Result | null;
}

export interface Sums {
    readonly rows: number;
    readonly sessions: number;
    readonly bytes: number;
    readonly bytes_up: number;
    readonly bytes_down: number;
    readonly packets: number;
    readonly seconds: number;
    readonly users: number | null;
}
export interface Group extends Sums {
    readonly key: string | null;
    readonly category?: string | null;
    readonly share: number;
}
export interface Top {
    readonly by: string;
    readonly metric: string;
    readonly items: Group[];
    readonly other: Sums & { readonly keys: number };
    readonly total: Sums & { readonly keys: number };
}
interface SeriesText {
    readonly step_us: number;
    readonly buckets: string[];
    readonly series: { key: string | null; other?: boolean; values: (number | null)[] }[];
}
export interface Facet {
    readonly field: string;
    readonly distinct: number;
    readonly values: { value: string; rows: number }[];
}

/* A row as the Elastic Common Schema nests it. */
export interface Row {
    readonly id: string;
    readonly time: string;
    readonly at: Readonly<Record<string, string>>; /* flat: "source.ip" -> "10.0.0.1" */
    readonly json: string;
}

export type Params = Record<string, string | number | boolean | undefined>;

function addressOf(tenant: string, kind: string, params: Params): string {
    const out = new URLSearchParams();
    for (const [name, value] of Object.entries(params))
        if (value !== undefined && value !== '' && value !== false)
            out.set(name, value === true ? '1' : String(value));
    return `${API}/tenants/${encodeURIComponent(tenant)}/logs/${kind}?${out}`;
}

async function problemOf(response: Response): Promise<Problem> {
    const body = await response.json().catch(() => ({})) as object;
    const problem = new Problem(response.status, body);
    if (response.status === 401 && problem.code === 'sign_in')
        hooks.lost();
    return problem;
}

/* Lines of the body and what stood behind them. */
async function fetchLines(url: string, poll: boolean, signal?: AbortSignal): Promise<Answer<string[]>> {
    const headers: Record<string, string> = { 'Fairlead-Result': 'line' };
    if (!poll)
        headers['Fairlead-Activity'] = 'user';
    let response: Response;
    try {
        response = await fetch(url, { headers, signal: signal ?? null, cache: 'no-store' });
    } catch (error) {
        if (error instanceof Error && error.name === 'AbortError')
            throw error;
        throw new Problem(0);
    }
    if (!response.ok)
        throw await problemOf(response);
    const lines = (await response.text()).split('\n').filter((l) => l !== '');
    const last = lines.at(-1);
    if (last?.startsWith('{"fairlead":') !== true)
        return { value: lines, result: null };
    return { value: lines.slice(0, -1), result: (JSON.parse(last) as { fairlead: Result }).fairlead };
}

interface Asking {
    readonly poll?: boolean;
    readonly signal?: AbortSignal;
}

async function object<T>(tenant: string, kind: string, params: Params, o: Asking): Promise<Answer<T>> {
    const lines = await fetchLines(addressOf(tenant, kind, params), o.poll ?? false, o.signal);
    return { value: JSON.parse(lines.value.join('')) as T, result: lines.result };
}

const span = (s: Span) => ({ from: iso(s.from_ms), to: iso(s.to_ms) });

export function top(tenant: string, s: Span, params: Params, o: Asking = {}): Promise<Answer<Top>> {
    return object<Top>(tenant, 'top', { ...span(s), ...params }, o);
}

export async function series(tenant: string, s: Span, step_ms: number, params: Params, o: Asking = {}): Promise<Answer<Stack>> {
    const a = await object<SeriesText>(tenant, 'series', { ...span(s), step: `${step_ms / 60_000}m`, ...params }, o);
    const lines: Line[] = a.value.series.map((l) => ({ key: l.key, other: l.other === true, values: l.values.map((v) => v ?? 0) }));
    const first = a.value.buckets[0];
    return { result: a.result, value: { from_ms: first === undefined ? s.from_ms : Date.parse(first), step_ms: a.value.step_us / 1000, lines } };
}

export async function facets(tenant: string, s: Span, params: Params, o: Asking = {}): Promise<Answer<{ facets: Facet[]; rows: number }>> {
    return object(tenant, 'facets', { ...span(s), ...params }, o);
}

function flatten(value: unknown, path: string, out: Record<string, string>): void {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
        for (const [name, inner] of Object.entries(value))
            flatten(inner, path === '' ? name : `${path}.${name}`, out);
        return;
    }
    if (value !== null && value !== undefined)
        out[path] = Array.isArray(value) ? value.join(', ') : String(value);
}

export function parseRow(json: string): Row {
    const at: Record<string, string> = {};
    flatten(JSON.parse(json), '', at);
    return { id: at['event.id'] ?? '', time: at['@timestamp'] ?? '', at, json };
}

export async function rows(tenant: string, s: Span, params: Params, o: Asking = {}): Promise<Answer<Row[]>> {
    const a = await fetchLines(addressOf(tenant, 'rows', { ...span(s), ...params }), o.poll ?? false, o.signal);
    return { value: a.value.map(parseRow), result: a.result };
}

export async function context(tenant: string, cursor: string, limit: number, o: Asking = {}): Promise<Answer<Row[]>> {
    const a = await fetchLines(addressOf(tenant, 'context', { cursor, limit, original: true }), o.poll ?? false, o.signal);
    return { value: a.value.map(parseRow), result: a.result };
}

export function tailAddress(tenant: string, where: string): string {
    return addressOf(tenant, 'tail', { where });
}

export function exportAddress(tenant: string, s: Span, where: string, format: 'csv' | 'ndjson'): string {
    return addressOf(tenant, 'export', { ...span(s), where, format: format === 'csv' ? 'csv' : undefined });
}

/* The row as one CEF line, for a ticket or another tool. */
export function cefOf(row: Row): string {
    const head = (text: string) => text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]/g, ' ');
    const value = (text: string) => text.replace(/[\\=]/g, '\\$&').replace(/\r?\n/g, '\\n');
    const names: Readonly<Record<string, string>> = {
        'source.ip': 'src', 'source.port': 'spt', 'destination.ip': 'dst', 'destination.port': 'dpt', 'user.name': 'suser',
        'network.application': 'app', 'url.domain': 'dhost', 'url.original': 'request', 'event.action': 'act', 'event.reason': 'reason',
        'source.bytes': 'out', 'destination.bytes': 'in', 'observer.name': 'dvchost', 'rule.name': 'cs1', message: 'msg'
    };
    const pairs = Object.entries(names).filter(([ecs]) => row.at[ecs] !== undefined).map(([ecs, cef]) => `${cef}=${value(row.at[ecs]!)}`);
    if (row.at['rule.name'] !== undefined)
        pairs.push('cs1Label=policy');
    const code = row.at['event.code'] ?? 'log';
    const severity = row.at['threat.name'] === undefined ? 3 : 8;
    return ['CEF:0', 'Fairlead', 'Fairlead', '1', head(code), head(row.at['threat.name'] ?? code), severity,
        [`rt=${Date.parse(row.time)}`, ...pairs].join(' ')].join('|');
}

/* ---- saved searches, reveals ---- */

export type Search = Form<'Search'>;
export type Reveal = Form<'Reveal'>;

export const PURPOSES: readonly { value: Form<'RevealNew'>['purpose']; label: string }[] = [
    { value: 'incident', label: 'Security incident' },
    { value: 'abuse', label: 'Misuse of the network' },
    { value: 'support', label: 'A user asked for help' },
    { value: 'request', label: "A person's own request" },
    { value: 'law', label: 'Legal obligation' }
];

export async function reveals(tenant: string): Promise<Reveal[]> {
    return (await get('/tenants/{t}/reveals', { path: { t: tenant }, poll: true })).items;
}

export async function reveal(tenant: string, purpose: Form<'RevealNew'>['purpose'], ticket: string, minutes: number): Promise<void> {
    await ask('POST', '/tenants/{t}/reveals', { path: { t: tenant }, body: { purpose, ticket, minutes } });
}

export async function endReveal(tenant: string): Promise<void> {
    await ask('DELETE', '/tenants/{t}/reveals', { path: { t: tenant } });
}
