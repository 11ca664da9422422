/* The rules for a password of one's own, as far as the page can check them while it is typed; the server checks all. */

export interface Rule {
    text: string;
    state: 'met' | 'miss' | 'wait';
    word: string;
}

export const LENGTH_MIN = 12;
const CLASSES_MIN = 3;

export function classes(password: string): number {
    return [/\p{Lu}/u, /\p{Ll}/u, /\p{Nd}/u, /[^\p{Lu}\p{Ll}\p{Nd}]/u].filter((c) => c.test(password)).length;
}

/** `names`: the user name, the e-mail and the like, which a password must not hold. */
export function rules(password: string, again: string, names: string[]): Rule[] {
    const length = [...password].length;
    const kinds = classes(password);
    const held = names.find((n) => n.length >= 4 && password.toLowerCase().includes(n.toLowerCase()));
    const state = (met: boolean, begun: boolean): Rule['state'] => (met ? 'met' : begun ? 'miss' : 'wait');
    return [
        { text: `At least ${LENGTH_MIN} characters`, state: state(length >= LENGTH_MIN, length > 0), word: String(length) },
        { text: 'Three of: upper case, lower case, digit, other', state: state(kinds >= CLASSES_MIN, length > 0), word: `${kinds} of 4` },
        { text: 'Your own name is not in it', state: state(length > 0 && !held, length > 0), word: held ? `“${held}”` : length ? 'none' : '' },
        { text: 'Both entries are the same', state: state(length > 0 && password === again, again.length > 0), word: length > 0 && password === again ? 'yes' : 'not yet' },
        { text: 'Not common, none of your last five', state: 'wait', word: 'on saving' },
    ];
}

export function ready(list: Rule[]): boolean {
    return list.slice(0, -1).every((r) => r.state === 'met');
}
