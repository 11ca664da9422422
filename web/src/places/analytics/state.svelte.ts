/* What Overview and Analytics share: the view in the address, the moving clock, links to the lines behind a number. */
import { router } from '../../app/router.svelte.ts';
import { scope } from '../../app/scope.svelte.ts';
import { condition, terms, withTerm } from '../../lib/data/filter.ts';
import { DAY_MS, linesHref, readView, spanOf, writeView, type Range, type Span, type View } from '../../lib/data/urlstate.ts';
import { bytes, number, span as length } from '../../lib/data/format.ts';

export const LOGS = '/analytics/logs';

export function carried(): URLSearchParams {
    const keep = new URLSearchParams();
    for (const name of ['tenant', 'site']) {
        const value = router.get(name);
        if (value !== '')
            keep.set(name, value);
    }
    return keep;
}

/* The view as the address has it, and changes of it. A change is a step that the back button undoes. */
export class Shown {
    private readonly usual_ms: number;
    private last: { key: string; span: Span } | null = null;
    now_ms = $state(Date.now());
    view = $derived.by(() => readView(router.query, this.usual_ms));
    /* The filter with the site that the whole page is about. */
    where = $derived(scoped(this.view.where));

    constructor(usual_ms: number = DAY_MS) {
        this.usual_ms = usual_ms;
    }

    change(part: Partial<View>, replace = false): void {
        const text = writeView({ ...this.view, ...part }, this.usual_ms, carried()).toString();
        const to = text === '' ? router.path : `${router.path}?${text}`;
        if (to !== router.path + router.search)
            router.go(to, replace);
    }

    /* The same object until the clock or the period moves: what is shown is not asked for anew because a row was opened. */
    span(step_ms: number): Span {
        const s = spanOf(this.view.range, this.now_ms, step_ms);
        const key = `${s.from_ms} ${s.to_ms} ${this.now_ms}`;
        if (this.last?.key !== key)
            this.last = { key, span: s };
        return this.last.span;
    }

    /* Time goes on while the page is looked at; a standing range does not move. */
    follow(every_ms: number): () => void {
        const timer = setInterval(() => {
            if (document.visibilityState === 'visible' && 'last_ms' in this.view.range)
                this.now_ms = Date.now();
        }, every_ms);
        return () => clearInterval(timer);
    }
}

export function scoped(where: string): string {
    return scope.site === '' ? where : withTerm(where, condition('site', scope.site));
}

/* A filter and one more condition. */
export function narrowed(where: string, term: string): string {
    return where.trim() === '' ? term : terms(where).length === 0 ? term : withTerm(where, term);
}

/* The log explorer with these lines; tenant and site travel along. */
export function lines(where: string, range: Range): string {
    const keep = carried().toString();
    const href = linesHref(LOGS, where, range);
    return keep === '' ? href : href + (href.includes('?') ? '&' : '?') + keep;
}

/* Why an answer is partial, as a sentence. */
export function whyPartial(why: string): string {
    const text = why.trim() === '' ? 'It ran out of time' : why.trim().charAt(0).toUpperCase() + why.trim().slice(1);
    return /[.!?]$/.test(text) ? text : `${text}.`;
}

export interface Metric {
    readonly key: string;
    readonly label: string;
    readonly unit: string;
    readonly rate: boolean;
}

export const METRIC_LIST: readonly Metric[] = [
    { key: 'bytes', label: 'Traffic', unit: 'bit/s', rate: true },
    { key: 'down', label: 'Down', unit: 'bit/s', rate: true },
    { key: 'up', label: 'Up', unit: 'bit/s', rate: true },
    { key: 'sessions', label: 'Sessions', unit: '', rate: false },
    { key: 'rows', label: 'Lines', unit: '', rate: false }
];

export function metricOf(key: string): Metric {
    return METRIC_LIST.find((m) => m.key === key) ?? METRIC_LIST[0]!;
}

/* A sum of a metric in words. */
export function amount(metric: string, value: number): string {
    if (metric === 'bytes' || metric === 'down' || metric === 'up')
        return bytes(value);
    return metric === 'seconds' ? length(value * 1e6) : number(value);
}
