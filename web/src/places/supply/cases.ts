/* Cases: words of states, and small arithmetic of their tables. */
import type { Form } from '../../lib/data/client.ts';
import { number } from '../../lib/data/format.ts';
import type { Level } from './risks.ts';

export type Case = Form<'Case'>;
export type CasePageForm = Form<'CasePage'>;
export type Site = Form<'CaseSite'>;
export type Plan = Form<'Plan'>;
export type Question = Form<'Question'>;
export type Clock = Form<'Clock'>;

export const SEVERITY: Readonly<Record<Case['severity'], { level: Level; text: string }>> = {
    severe: { level: 'critical', text: 'Severe' }, high: { level: 'major', text: 'High' }, medium: { level: 'minor', text: 'Medium' }, low: { level: 'warning', text: 'Low' }
};
export const STATE: Readonly<Record<Case['state'], string>> = { open: 'Open', acting: 'Acting', watching: 'Watching', closed: 'Closed', void: 'Opened in error' };
export const SITE: Readonly<Record<Site['status'], string>> = { potential: 'Potential', confirmed: 'Confirmed', no_impact: 'No impact', restored: 'Restored' };
export const QUESTION: Readonly<Record<Question['state'], string>> = {
    waiting: 'Waiting', sent: 'Sent', opened: 'Opened', answered: 'Answered', silent: 'Silent', failed: 'Not delivered', withdrawn: 'Withdrawn', withheld: 'Exercise, not sent'
};
export const KIND: Readonly<Record<Plan['kind'], string>> = {
    buffer: 'buffer stock', second_source: 'second source', alternate: 'alternate site', last_time_buy: 'last-time buy', allocation: 'allocation'
};

/** 55 s, 12 min, 3 h 05, 4 d 2 h: what is left of a clock; behind it "late". */
export function left(seconds: number): string {
    const s = Math.abs(seconds);
    const h = Math.floor(s / 3600);
    const text = s < 60 ? `${Math.floor(s)} s` : s < 3600 ? `${Math.floor(s / 60)} min` : h < 48 ? `${h} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}` : `${Math.floor(h / 24)} d ${h % 24} h`;
    return seconds < 0 ? `${text} late` : text;
}

/** "2 confirmed, 3 potential" in the order in which they matter. */
export function tally(sites: readonly Pick<Site, 'status'>[]): { status: Site['status']; count: number }[] {
    return (['confirmed', 'potential', 'no_impact', 'restored'] as const).map((status) => ({ status, count: sites.filter((s) => s.status === status).length })).filter((t) => t.count > 0);
}

/** How long a site is out, as somebody said it. */
export function howLong(s: Site): string {
    if (s.status === 'restored') return s.was_down_days === undefined ? '–' : s.was_down_days < 1 ? `was ${number(s.was_down_days * 24)} h` : `was ${number(s.was_down_days, 1)} d`;
    if (s.status === 'no_impact') return '–';
    if (s.down_days === null) return s.status === 'confirmed' ? 'not said' : 'asked';
    return s.down_days >= 14 && s.down_days % 7 === 0 ? `${s.down_days / 7} weeks` : `${number(s.down_days)} d`;
}

/** Words of the server stand at the beginning of a line here. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Who makes it and where, as far as it is known: "Kitasawa Power, Kitakami". */
export function place(of: { supplier: string | null; supplier_name: string | null; site: string; site_name?: string; name?: string }): string {
    return [of.supplier_name || of.supplier, of.site_name || of.name || of.site].filter(Boolean).join(', ');
}
