/* The network of supply itself: its forms, and the requests that take more than one step (files in pieces, checking and
   applying in slices). */
import { API, ask, hooks, type Path } from '../../lib/data/client.ts';
import { Problem } from '../../lib/data/problem.ts';
import { csv } from './exposure.ts';

export interface Mapped {
    confirmed: number;
    inferred: number;
    none: number;
    parts: number;
    parts_mapped: number;
    formula: string;
}
export interface Network {
    version: number;
    currency: string | null;
    counts: Record<string, number>;
    layouts: number;
    changed: string | null;
    mapped: Mapped | null;
    stale: number;
    findings: { error: number; warning: number } | null;
}
export interface ColumnOf {
    name: string;
    kind: string;
    key: boolean;
    required: boolean;
    refers: string | null;
    words: string | null;
    unit: string | null;
    about: string;
}
export interface TableOf {
    name: string;
    noun: string;
    about: string;
    columns: ColumnOf[];
}
export interface Row {
    key: string;
    cells: Record<string, string>;
    since: number;
    at: string | null;
    by: string;
    change: string;
    until?: number | null;
}
export interface Finding {
    kind: 'error' | 'warning';
    what: string;
    file: string;
    line: number | null;
    column: string;
    value: string;
    text: string;
    fix: string | null;
}
export interface FileColumn {
    theirs: string;
    ours: string | null;
    first: string;
    filled: number;
    note: string;
}
export interface FileOf {
    name: string;
    table: string | null;
    rows: number;
    bad: number;
    encoding: string;
    separator: string;
    decimal: string;
    columns: FileColumn[];
}
export interface Proposal {
    id: string;
    kind: 'same_supplier' | 'duplicate_site' | 'wrong_place';
    subject: string;
    text: string;
    likeness?: number;
    fix?: { lat: number; lon: number };
    answer: string | null;
}
export interface Tally {
    new: number;
    changed: number;
    same: number;
    removed: number;
}
export interface Report {
    state: 'checking' | 'checked';
    done: number;
    mode: 'merge' | 'replace';
    files: FileOf[];
    errors: number;
    warnings: number;
    findings: Finding[];
    proposals_total: number;
    proposals: Proposal[];
    would: Tally;
}
export interface Applied {
    state: 'applying' | 'applied';
    done: number;
    change: number | null;
    did: Tally;
}
export interface Intake {
    id: string;
    name: string;
    by: string;
    created: string;
    bytes: number;
    state: 'files' | 'checking' | 'checked' | 'applying';
    files: { name: string; bytes: number }[];
}
export interface Change {
    number: number;
    at: string;
    by: string;
    kind: string;
    title: string;
    added: number;
    changed: number;
    removed: number;
    undoes: number | null;
    undone_by: number | null;
}
export interface Decision {
    number: number;
    kind: Proposal['kind'];
    subject: string;
    answer: string;
    at: string;
    by: string;
    reversed: string | null;
    reversed_by: string | null;
}
/** What a person chose: {file: {their heading: our field, "+" kept as it is, "-" left out}}. */
export type Choice = Record<string, Record<string, string>>;
export interface Check {
    mode: 'merge' | 'replace';
    columns?: Choice;
    decisions?: { kind: string; subject: string; answer: string }[];
    layout?: string;
}
export interface Items<T> {
    items: T[];
    total?: number;
    next?: string | null;
}

export const PIECE_BYTES = 200 * 1024;
const PAUSE_MS = 40;

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
interface Asked {
    path?: Record<string, string | number>;
    query?: Record<string, string | number | undefined>;
    body?: unknown;
    etag?: string;
    signal?: AbortSignal;
}

/** A request below /tenants/{t}/supply. */
export async function supply<T>(method: Method, tenant: string, path: string, asked: Asked = {}): Promise<T> {
    return (await supplyWhole<T>(method, tenant, path, asked)).data;
}

export async function supplyWhole<T>(method: Method, tenant: string, path: string, asked: Asked = {}): Promise<{ data: T; etag: string }> {
    const answer = await (ask as unknown as (m: Method, p: Path<Method>, o: unknown) => Promise<{ data: T; etag: string }>)(
        method, `/tenants/{t}/supply${path}` as Path<Method>, { ...asked, path: { t: tenant, ...asked.path } });
    return answer;
}

/** Sends a file in pieces; `told` hears of each. */
export async function send(tenant: string, id: string, file: File, told: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    let offset = 0;
    do {
        const piece = file.slice(offset, offset + PIECE_BYTES);
        const to = `${API}/tenants/${encodeURIComponent(tenant)}/supply/imports/${encodeURIComponent(id)}/files/${encodeURIComponent(file.name)}?offset=${offset}`;
        const answer = await fetch(to, {
            method: 'PUT', body: piece, signal,
            headers: { Accept: 'application/json', 'Content-Type': 'application/octet-stream', 'Fairlead-Activity': 'user', 'X-CSRF-Token': hooks.csrf() }
        }).catch((error: unknown) => { throw error instanceof Error && error.name === 'AbortError' ? error : new Problem(0); });
        if (!answer.ok) {
            const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
            if (answer.status === 401 && problem.code === 'sign_in') hooks.lost();
            throw problem;
        }
        offset += piece.size;
        told(offset);
    } while (offset < file.size);
}

/** The network for somebody else: what is left out is named, and the last line signs the others. */
export async function share(tenant: string, redact: string): Promise<string> {
    const answer = await fetch(`${API}/tenants/${encodeURIComponent(tenant)}/supply/shares`, {
        method: 'POST', body: JSON.stringify({ redact }),
        headers: { Accept: 'application/x-ndjson, application/problem+json', 'Content-Type': 'application/json', 'Fairlead-Activity': 'user', 'X-CSRF-Token': hooks.csrf() }
    }).catch(() => { throw new Problem(0); });
    if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
    return answer.text();
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Checks until all is looked at; a first request says what is asked, the others go on. */
export async function check(tenant: string, id: string, what: Check, told: (share: number) => void, signal: AbortSignal): Promise<Report> {
    let body: unknown = what;
    for (;;) {
        const report = await supply<Report>('POST', tenant, '/imports/{i}/check', { path: { i: id }, body, signal });
        if (report.state === 'checked') return report;
        told(report.done);
        body = {};
        await pause(PAUSE_MS);
    }
}

export async function apply(tenant: string, id: string, told: (share: number) => void, signal: AbortSignal): Promise<Applied> {
    for (;;) {
        const answer = await supply<Applied>('POST', tenant, '/imports/{i}/apply', { path: { i: id }, body: {}, signal });
        if (answer.state === 'applied') return answer;
        told(answer.done);
        await pause(PAUSE_MS);
    }
}

/** The two ids of a pair, or of a place the one. */
export function pair(subject: string): [string, string] {
    const at = subject.indexOf('@');
    return at < 0 ? [subject, ''] : [subject.slice(0, at), subject.slice(at + 1)];
}

/** "like name: Isen Thermal and Isen Thermal GmbH": why, and the names. */
export function likeText(text: string): { why: string; names: string } {
    const at = text.indexOf(': ');
    return at < 0 ? { why: '', names: text } : { why: text.slice(0, at), names: text.slice(at + 2) };
}

export interface Place {
    subject: string;
    text: string;
    answer: string | null;
    from: { lat: number; lon: number } | null;
    to: { lat: number; lon: number } | null;
    verb: string;
}

/** Places in doubt: the position as it is given stands in the finding of the same text. */
export function places(report: Pick<Report, 'proposals' | 'findings'>): Place[] {
    const given = report.findings.filter((f) => f.what === 'place');
    let at = 0;
    return report.proposals.filter((p) => p.kind === 'wrong_place').map((p) => {
        const i = given.findIndex((f, k) => k >= at && f.text === p.text);
        const value = i < 0 ? null : position(given[i]!.value);
        if (i >= 0) at = i + 1;
        return { subject: p.subject, text: p.text, answer: p.answer, from: value, to: p.fix ?? null, verb: fixVerb(value, p.fix) };
    });
}

export function position(text: string): { lat: number; lon: number } | null {
    const [lat, lon] = text.split(',').map(Number);
    return lat === undefined || lon === undefined || !Number.isFinite(lat) || !Number.isFinite(lon) ? null : { lat, lon };
}

/** What pressing the button does to the position, in two words. */
export function fixVerb(from: { lat: number; lon: number } | null, to: { lat: number; lon: number } | undefined): string {
    if (!to) return '';
    if (!from) return `Use ${to.lat}, ${to.lon}`;
    const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-4 * Math.max(1, Math.abs(a));
    if (near(from.lat, to.lon) && near(from.lon, to.lat)) return 'Swap';
    const signed = (v: number): string => `${v < 0 ? '−' : '+'}${Math.abs(v).toFixed(2)}`;
    if (near(from.lat, to.lat)) return `Use ${signed(to.lon)}`;
    if (near(from.lon, to.lon)) return `Use ${signed(to.lat)}`;
    return `Use ${signed(to.lat)}, ${signed(to.lon)}`;
}

/** Columns that become a field of ours, of all there are. */
export function used(files: readonly FileOf[]): [number, number] {
    const columns = files.flatMap((f) => f.columns);
    return [columns.filter((c) => c.ours !== null).length, columns.length];
}

export function findingsCsv(findings: readonly Finding[]): string {
    return csv([['kind', 'file', 'line', 'column', 'value', 'what is wrong', 'fix'],
        ...findings.map((f) => [f.kind, f.file, f.line, f.column, f.value, f.text, f.fix])]);
}

const KEPT = '+';
const LEFT_OUT = '-';

/** The factor of a column, as its note says it: "weeks x 7" -> 7. */
export function factorOf(column: FileColumn): number {
    const found = /(?:^| )x ([0-9.e+-]+)$/.exec(column.note);
    return found ? Number(found[1]) : 1;
}

/** What a column becomes, as the server takes it: "ttr_days*7", "+" kept as it is, "-" left out. */
export function oursText(column: FileColumn): string {
    if (column.ours === null) return column.note === 'not taken' ? LEFT_OUT : KEPT;
    const factor = factorOf(column);
    return factor === 1 ? column.ours : `${column.ours}*${factor}`;
}

/** All columns of a file as they are, with one of them changed; who had that field before is kept as it is. */
export function remap(file: FileOf, told: Record<string, string> | undefined, theirs: string, ours: string): Record<string, string> {
    const map = told ?? Object.fromEntries(file.columns.map((c) => [c.theirs, oursText(c)]));
    const field = ours.split('*')[0]!;
    const others = Object.fromEntries(Object.entries(map).map(([k, v]) => [k, field !== KEPT && field !== LEFT_OUT && v.split('*')[0] === field ? KEPT : v]));
    return { ...others, [theirs]: ours };
}
