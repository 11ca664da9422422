/* The API: every request of the screen goes through ask(). Types come from the contract, api/openapi.yaml. */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.d.ts';
import { Problem } from './problem.ts';

type Schemas = components['schemas'];
/** A form of the contract: Form<'User'>. */
export type Form<N extends keyof Schemas> = Schemas[N];

type Verb = 'get' | 'post' | 'patch' | 'put' | 'delete';
export type Method = Uppercase<Verb>;
/** Paths of the contract that know the method, without /api/v1. */
export type Path<M extends Method> = {
    [K in keyof paths]: Lowercase<M> extends keyof paths[K]
        ? paths[K][Lowercase<M>] extends { responses: unknown } ? (K extends `/api/v1${infer Rest}` ? Rest : never) : never
        : never;
}[keyof paths];
type Operation<M extends Method, P extends string> = `/api/v1${P}` extends keyof paths
    ? Lowercase<M> extends keyof paths[`/api/v1${P}`] ? paths[`/api/v1${P}`][Lowercase<M>] : never
    : never;
type Json<R> = R extends { content: { 'application/json': infer T } } ? T : never;
type Body<M extends Method, P extends string> =
    Operation<M, P> extends { requestBody?: { content: { 'application/json': infer T } } } ? T
    : Operation<M, P> extends { requestBody: { content: { 'application/json': infer T } } } ? T : undefined;
export type Reply<M extends Method, P extends string> =
    Operation<M, P> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202)]> : never;

export interface Options<B = unknown> {
    /** Parameters of the path, e.g. { t: 'nordwind' } for /tenants/{t}. */
    path?: Record<string, string | number>;
    query?: Record<string, string | number | boolean | undefined>;
    body?: B;
    /** Asked by the page itself, not by a person: does not hold the session open. */
    poll?: boolean;
    /** The ETag that the edit was made from: the server refuses when it changed meanwhile. */
    etag?: string;
    /** A creation that is safe to repeat carries the same key. */
    key?: string;
    signal?: AbortSignal;
}

export interface Answer<T> {
    data: T;
    etag: string;
    status: number;
}

export const API = '/api/v1';

/* What the session store hangs in: who is signed in, and what to do when nobody is any more. */
export const hooks = {
    csrf: (): string => '',
    lost: (): void => {},
    /** The server's clock, of each answer. */
    time: (_ms: number): void => {},
};

const client = createClient<any>({ baseUrl: API });

function headers(method: Method, options: Options): Record<string, string> {
    const out: Record<string, string> = { Accept: 'application/json' };
    if (!options.poll) out['Fairlead-Activity'] = 'user';
    if (method !== 'GET') out['X-CSRF-Token'] = hooks.csrf();
    if (options.etag) out['If-Match'] = options.etag;
    if (options.key) out['Idempotency-Key'] = options.key;
    return out;
}

/** One request; throws Problem. On 401 the session store shows the sign-in, and the page comes back after it. */
export async function ask<M extends Method, P extends Path<M>>(
    method: M, path: P, options: Options<Body<M, P>> = {},
): Promise<Answer<Reply<M, P>>> {
    let result;
    try {
        result = await client.request(method.toLowerCase() as any, path as any, {
            params: { path: options.path ?? {}, query: options.query ?? {} },
            ...(options.body === undefined ? {} : { body: options.body as any }),
            headers: headers(method, options),
            signal: options.signal,
        } as any);
    } catch (error) {
        if (error instanceof Error && error.name === 'AbortError') throw error;
        if (error instanceof SyntaxError) throw new Problem(502, { detail: 'The answer of the server could not be read. Reload the page.' });
        throw new Problem(0);
    }
    const { response } = result;
    hooks.time(Date.parse(response.headers.get('Date') ?? ''));
    if (!response.ok) {
        const body = typeof result.error === 'object' && result.error ? (result.error as object) : {};
        const problem = new Problem(response.status, body);
        if (response.status === 401 && problem.code === 'sign_in') hooks.lost();
        throw problem;
    }
    return { data: result.data as Reply<M, P>, etag: response.headers.get('ETag') ?? '', status: response.status };
}

export async function get<P extends Path<'GET'>>(path: P, options: Options<undefined> = {}): Promise<Reply<'GET', P>> {
    const answer = await (ask as (m: 'GET', p: P, o: unknown) => Promise<Answer<unknown>>)('GET', path, options);
    return answer.data as Reply<'GET', P>;
}

export interface List<T> {
    items: T[];
    total: number;
    next: string | null;
}

/** All pages of a list, up to `most` items; `total` tells how many there are. */
export async function all<P extends Path<'GET'>>(path: P, options: Options<undefined> = {}, most = 5000):
    Promise<Reply<'GET', P> extends { items: (infer T)[] } ? List<T> : never> {
    const items: unknown[] = [];
    let after: string | undefined;
    for (;;) {
        const page = (await get(path, { ...options, query: { limit: 500, ...options.query, after } })) as List<unknown>;
        items.push(...page.items);
        after = page.next ?? undefined;
        if (!after || page.items.length === 0 || items.length >= most) {
            return { items, total: page.total ?? items.length, next: page.next } as any;
        }
    }
}

/** A key for one creation; keep it for a second try of the same form. */
export function creationKey(): string {
    return crypto.randomUUID();
}

/** The address of a download (a plain link; the cookie goes along). */
export function address(path: string, query: Record<string, string | number | boolean | undefined> = {}): string {
    const out = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') out.set(name, String(value));
    const text = out.toString();
    return API + path + (text ? `?${text}` : '');
}
