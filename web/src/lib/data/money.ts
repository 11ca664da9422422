/* Money as people read it: the sign of the currency, three digits, the thousands as a word. */
import { number, short } from './format.ts';

const SIGNS: Readonly<Record<string, string>> = { EUR: '€', USD: '$', GBP: '£', JPY: '¥', CNY: 'CN¥', KRW: '₩', INR: '₹' };

function sign(currency: string): string {
    return SIGNS[currency] ?? (currency ? `${currency}\u00a0` : '');
}

/** 2860000, "EUR" -> "€2.86 M". */
export function money(value: number | null | undefined, currency: string): string {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    return `${value < 0 ? '−' : ''}${sign(currency)}${short(Math.abs(value))}`;
}

/** Every digit: "€2 365 808". */
export function moneyExact(value: number | null | undefined, currency: string): string {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    return `${value < 0 ? '−' : ''}${sign(currency)}${number(Math.abs(value))}`;
}

/** 19.2 -> "19 d"; null (nothing is ever lost) -> "–". */
export function days(value: number | null | undefined, digits = 0): string {
    return value === null || value === undefined || !Number.isFinite(value) ? '–' : `${number(value, digits)}\u00a0d`;
}
