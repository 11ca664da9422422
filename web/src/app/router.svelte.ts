/* The address is the state: path and query of the page, on the History API. Tenant and site travel along by themselves. */

export type Query = Record<string, string | number | boolean | null | undefined>;

const CARRIED = ['tenant', 'site'];

class Router {
    path = $state(location.pathname);
    search = $state(location.search);
    query = $derived(new URLSearchParams(this.search));
    /** Counts the pages opened (not the changes of the query), so that the shell can move the focus. */
    visits = $state(0);

    constructor() {
        addEventListener('popstate', () => this.read());
        document.addEventListener('click', (event) => this.click(event));
    }

    private read(): void {
        if (location.pathname !== this.path) this.visits++;
        this.path = location.pathname;
        this.search = location.search;
    }

    /** An address within the application; null and '' leave a parameter out. */
    link(path: string, query: Query = {}): string {
        const out = new URLSearchParams();
        for (const name of CARRIED) {
            const value = this.query.get(name);
            if (value) out.set(name, value);
        }
        for (const [name, value] of Object.entries(query)) {
            if (value === null || value === undefined || value === '') out.delete(name);
            else out.set(name, String(value));
        }
        const text = out.toString();
        return text ? `${path}?${text}` : path;
    }

    /** Go to an address made by link(). */
    go(to: string, replace = false): void {
        history[replace ? 'replaceState' : 'pushState'](null, '', to);
        this.read();
    }

    /** Change some parameters of this page; `replace` (the preset) leaves no step in the history. */
    set(query: Query, replace = true): void {
        const out = new URLSearchParams(this.search);
        for (const [name, value] of Object.entries(query)) {
            if (value === null || value === undefined || value === '') out.delete(name);
            else out.set(name, String(value));
        }
        const text = out.toString();
        this.go(text ? `${this.path}?${text}` : this.path, replace);
    }

    get(name: string): string {
        return this.query.get(name) ?? '';
    }

    /** Plain clicks on links within the application become steps of the router. */
    private click(event: MouseEvent): void {
        if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        const anchor = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
        if (!anchor || anchor.target || anchor.hasAttribute('download') || anchor.origin !== location.origin) return;
        if (anchor.pathname.startsWith('/api/') || anchor.pathname.startsWith('/docs/') || /\.\w+$/.test(anchor.pathname)) return;
        if (anchor.hash && anchor.pathname === location.pathname && anchor.search === location.search) return;
        event.preventDefault();
        this.go(anchor.pathname + anchor.search);
    }
}

export const router = new Router();
