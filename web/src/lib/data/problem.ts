/* What went wrong, as RFC 9457 tells it, and the sentence that a person gets. */

export class Problem extends Error {
    readonly status: number;
    readonly code: string;
    readonly title: string;
    readonly detail: string;
    readonly field: string;

    constructor(status: number, body: { code?: string; title?: string; detail?: string; field?: string } = {}) {
        super(body.detail || body.title || `The server answered ${status}.`);
        this.status = status;
        this.code = body.code ?? '';
        this.title = body.title ?? '';
        this.detail = body.detail ?? '';
        this.field = body.field ?? '';
    }
}

const BY_STATUS: Record<number, string> = {
    0: 'The server does not answer. Check the network; the page tries again by itself where it can.',
    401: 'You are signed out. Sign in again; you come back to this page.',
    403: 'Your role does not allow this. An administrator can give you the right under Admin, Roles.',
    404: 'It is not there, or it is not yours to see.',
    409: 'Somebody changed it meanwhile, or the name is taken. Reload and try again.',
    412: 'Somebody changed it meanwhile. Reload to see the change, then try again.',
    413: 'That is larger than the server takes.',
    429: 'Too many tries. Wait a minute, then try again.',
    500: 'The server met an error of its own; its journal says more.',
    502: 'A part of the server does not answer. It is restarted by itself; try again in a few seconds.',
    503: 'The server is busy or a part of it is starting. Try again in a few seconds.',
    504: 'The answer took too long. Ask for a shorter period.',
};

/** The sentence for a failure: the server's own where it wrote one, else one for the kind of failure. */
export function sentence(error: unknown): string {
    if (error instanceof Problem) {
        const text = error.detail || BY_STATUS[error.status] || error.title || `The server answered ${error.status}.`;
        return /[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`;
    }
    if (error instanceof Error && error.name === 'AbortError') return 'It was given up.';
    return error instanceof Error ? error.message : String(error);
}

function capital(text: string): string {
    return text.charAt(0).toUpperCase() + text.slice(1);
}
