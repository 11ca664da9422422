/*
 * The filter language on the screen's side: colours while it is typed, completion, chips, and the
 * + and - that put a value into a filter. The server parses for real and has the last word
 * (src/codec/filter.h); what is not understood here stays as it was typed.
 */
import { findField, FIELDS, FLAGS } from './fields.ts';

export type TokenKind = 'field' | 'op' | 'value' | 'word' | 'keyword' | 'paren' | 'blank' | 'wrong';

export interface Token {
    readonly kind: TokenKind;
    readonly start: number;
    readonly end: number;
}

export interface Fault {
    readonly at: number;
    readonly text: string;
}

export interface Term {
    readonly start: number;
    readonly end: number;
    readonly text: string;
}

const NAME = /[A-Za-z0-9_.@]/;
const OP = /^(>=|<=|>|<|:|~)/;
const BLANK = /\s/;

function skipQuote(text: string, open: number): number {
    let at = open + 1;
    while (at < text.length && text[at] !== '"')
        at += text[at] === '\\' ? 2 : 1;
    return Math.min(at + 1, text.length);
}

/* End of a value: a blank or a closing parenthesis outside quotes and lists. */
function valueEnd(text: string, from: number): number {
    let at = from;
    let depth = 0;
    while (at < text.length) {
        const c = text[at]!;
        if (c === '"') {
            at = skipQuote(text, at);
            continue;
        }
        if (c === '(')
            depth++;
        if (c === ')' && --depth < 0)
            break;
        if (BLANK.test(c) && depth === 0)
            break;
        at++;
        if (c === ')' && depth === 0)
            break;
    }
    return at;
}

function nameEnd(text: string, from: number): number {
    let at = from;
    while (at < text.length && NAME.test(text[at]!))
        at++;
    return at;
}

function isKeyword(text: string, from: number, to: number): boolean {
    const word = text.slice(from, to).toLowerCase();
    const after = text[to] ?? ' ';
    return (word === 'and' || word === 'or' || word === 'not') && (BLANK.test(after) || after === '(' || after === ')');
}

function pushTerm(text: string, at: number, out: Token[]): number {
    const end = nameEnd(text, at);
    if (end > at && isKeyword(text, at, end)) {
        out.push({ kind: 'keyword', start: at, end });
        return end;
    }
    const op = end > at ? OP.exec(text.slice(end))?.[0] : undefined;
    if (op === undefined) {
        const stop = Math.max(valueEnd(text, at), at + 1);
        out.push({ kind: 'word', start: at, end: stop });
        return stop;
    }
    const known = findField(text.slice(at, end)) !== undefined;
    out.push({ kind: known ? 'field' : 'wrong', start: at, end });
    out.push({ kind: 'op', start: end, end: end + op.length });
    const stop = valueEnd(text, end + op.length);
    if (stop > end + op.length)
        out.push({ kind: 'value', start: end + op.length, end: stop });
    return stop;
}

/* Every character is in exactly one token, in order. */
export function tokens(text: string): Token[] {
    const out: Token[] = [];
    let at = 0;
    while (at < text.length) {
        const c = text[at]!;
        if (BLANK.test(c)) {
            let end = at + 1;
            while (end < text.length && BLANK.test(text[end]!))
                end++;
            out.push({ kind: 'blank', start: at, end });
            at = end;
        } else if (c === '(' || c === ')') {
            out.push({ kind: 'paren', start: at, end: at + 1 });
            at++;
        } else if (c === '-' && at + 1 < text.length && !BLANK.test(text[at + 1]!)) {
            out.push({ kind: 'keyword', start: at, end: at + 1 });
            at++;
        } else {
            at = pushTerm(text, at, out);
        }
    }
    return out;
}

/* Where the server found a fault: its text begins "column N: ..."; columns count bytes from 1. */
export function faultOf(detail: string, filter: string): Fault | null {
    const m = /^(?:[a-z ]*: )?column (\d+): (.*)$/s.exec(detail);
    if (m === null)
        return null;
    const bytes = new TextEncoder().encode(filter).slice(0, Number(m[1]) - 1);
    return { at: new TextDecoder().decode(bytes).length, text: m[2]! };
}

/* ---- values ---- */

const BARE = /^[A-Za-z0-9_./@+%$#-][A-Za-z0-9_./@+%$#-]*$/;

export function quote(value: string): string {
    if (BARE.test(value) && !/^(and|or|not)$/i.test(value) && !value.startsWith('-'))
        return value;
    return '"' + value.replace(/[\\"]/g, '\\$&') + '"';
}

/* An address of which only the first half is shown, as the network that it says: 10.42.•.• is 10.42.0.0/16. */
export function networkOf(masked: string): string | null {
    const parts = masked.split(masked.includes(':') ? ':' : '.');
    const open = parts.findIndex((p) => p === '•');
    if (open <= 0 || parts.slice(open).some((p) => p !== '•'))
        return null;
    const shown = parts.slice(0, open);
    return masked.includes(':')
        ? `${shown.join(':')}::/${16 * open}` : `${[...shown, ...parts.slice(open).map(() => '0')].join('.')}/${8 * open}`;
}

/* Is something of this value hidden? */
export function isMasked(value: string): boolean {
    return value.includes('•') || /^user [0-9a-f]{8}$/.test(value);
}

/* The condition "this field has this value"; null: the field has no value. */
export function condition(field: string, value: string | number | null): string {
    const name = findField(field)?.name ?? field;
    const net = typeof value === 'string' && value.includes('•') ? networkOf(value) : null;
    return value === null ? `-${name}:*` : `${name}:${net ?? quote(String(value))}`;
}

export function negate(term: string): string {
    return term.startsWith('-') ? term.slice(1) : '-' + term;
}

/* ---- terms: what stands side by side, all of them true ---- */

function topLevelOr(list: readonly Token[], text: string): boolean {
    let depth = 0;
    for (const t of list) {
        const s = text.slice(t.start, t.end);
        if (t.kind === 'paren')
            depth += s === '(' ? 1 : -1;
        if (t.kind === 'keyword' && depth === 0 && s.toLowerCase() === 'or')
            return true;
    }
    return false;
}

/* The filter as conditions joined by "and"; one with "or" on the top is a single condition. */
export function terms(text: string): Term[] {
    const list = tokens(text);
    if (text.trim() === '')
        return [];
    if (topLevelOr(list, text)) {
        const start = text.length - text.trimStart().length;
        return [{ start, end: text.trimEnd().length, text: text.trim() }];
    }
    const out: Term[] = [];
    let start = -1;
    let depth = 0;
    const close = (end: number) => {
        if (start >= 0)
            out.push({ start, end, text: text.slice(start, end) });
        start = -1;
    };
    for (const t of list) {
        const s = text.slice(t.start, t.end);
        const joins = t.kind === 'keyword' && s.toLowerCase() === 'and' && depth === 0;
        const prefix = t.kind === 'keyword' && s.toLowerCase() === 'not' && depth === 0;
        if (joins) {
            close(t.start);
            continue;
        }
        if (t.kind === 'blank') {
            const held = start >= 0 && /^not$/i.test(text.slice(start, t.start));
            if (depth === 0 && !held)
                close(t.start);
            continue;
        }
        if (start < 0)
            start = t.start;
        if (t.kind === 'paren')
            depth += s === '(' ? 1 : -1;
        if (depth === 0 && t.kind === 'paren')
            close(t.end);
        if (prefix)
            start = t.start;
    }
    close(text.trimEnd().length);
    return out.map((t) => ({ ...t, text: t.text.trim() })).filter((t) => t.text !== '');
}

export function removeTerm(text: string, index: number): string {
    return terms(text).filter((_, i) => i !== index).map((t) => t.text).join(' ');
}

/* The filter with one more condition; its opposite goes, and it is never there twice. */
export function withTerm(text: string, term: string): string {
    const list = terms(text);
    if (list.length === 1 && topLevelOr(tokens(text), text))
        return `(${list[0]!.text}) ${term}`;
    const kept = list.map((t) => t.text).filter((t) => t !== negate(term));
    return (kept.includes(term) ? kept : [...kept, term]).join(' ');
}

export function withValue(text: string, field: string, value: string | number | null, not = false): string {
    const term = condition(field, value);
    return withTerm(text, not ? negate(term) : term);
}

/* ---- completion ---- */

export type Wanted =
    | { readonly kind: 'field'; readonly prefix: string; readonly start: number; readonly end: number }
    | { readonly kind: 'value'; readonly field: string; readonly prefix: string; readonly start: number; readonly end: number };

/* What is being typed at the caret; null inside free text that is no field's beginning. */
export function wantedAt(text: string, caret: number): Wanted | null {
    const list = tokens(text.slice(0, caret));
    const last = list.at(-1);
    if (last === undefined || last.kind === 'blank' || last.kind === 'paren' || last.kind === 'keyword')
        return { kind: 'field', prefix: '', start: caret, end: caret };
    if (last.kind === 'word')
        return { kind: 'field', prefix: text.slice(last.start, caret), start: last.start, end: caret };
    const field = list.findLast((t) => t.kind === 'field');
    if (field === undefined || last.kind === 'wrong')
        return null;
    const start = last.kind === 'value' ? last.start : caret;
    if (last.kind === 'field')
        return { kind: 'field', prefix: text.slice(last.start, caret), start: last.start, end: caret };
    const prefix = text.slice(start, caret).replace(/^"/, '');
    return { kind: 'value', field: text.slice(field.start, field.end), prefix, start, end: caret };
}

export interface Offer {
    readonly insert: string;
    readonly label: string;
    readonly hint: string;
}

export function fieldOffers(prefix: string, max = 9): Offer[] {
    const p = prefix.toLowerCase();
    const rank = (name: string, ecs: string) => (name.startsWith(p) ? 0 : ecs.startsWith(p) ? 1 : ecs.includes(p) ? 2 : 3);
    return FIELDS.map((f) => ({ f, r: rank(f.name, f.ecs.toLowerCase()) }))
        .filter(({ r }) => r < 3)
        .sort((a, b) => a.r - b.r)
        .slice(0, max)
        .map(({ f }) => ({
            insert: f.name + (f.type === 'number' && f.unit !== '' ? '>' : ':'),
            label: f.name,
            hint: f.text
        }));
}

export function valueOffers(field: string, prefix: string, known: readonly { value: string; rows: number }[], max = 9): Offer[] {
    const p = prefix.toLowerCase();
    const values = findField(field)?.type === 'flag' ? FLAGS.map((value) => ({ value, rows: -1 })) : known;
    return values
        .filter((v) => v.value.toLowerCase().includes(p))
        .slice(0, max)
        .map((v) => ({ insert: quote(v.value) + ' ', label: v.value, hint: v.rows < 0 ? '' : `${v.rows} rows` }));
}
