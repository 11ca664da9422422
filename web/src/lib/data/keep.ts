/* Small choices kept in this browser (theme, time zone, tenant looked at last). Never anything secret. */
export function recall(name: string, preset: string): string {
    try {
        return localStorage.getItem(`fairlead.${name}`) ?? preset;
    } catch {
        return preset;
    }
}

export function remember(name: string, value: string): void {
    try {
        localStorage.setItem(`fairlead.${name}`, value);
    } catch {
        /* a browser that keeps nothing still works */
    }
}
