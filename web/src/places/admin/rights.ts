/* What the objects of the table of rights are, for people; the order in which they show. */
export const VERBS = ['read', 'add', 'set', 'remove', 'run', 'export', 'purge', 'reveal'];

export const ABOUT: Record<string, string> = {
    sites: 'places, their names and where they are',
    devices: 'what sends logs',
    certificates: 'by which a device is known',
    alarms: 'see; acknowledge, assign, mute',
    logs: 'lines and figures; export; purge days, erase a person',
    searches: 'saved questions, run by hand or by schedule',
    personal: 'names and addresses of persons, for a stated purpose',
    retention: 'how long logs are kept',
    users: 'people who sign in',
    roles: 'what people may',
    tokens: 'access for programs',
    departments: 'to which people belong',
    grants: 'what the tenant lets the operator do',
    tenants: 'that there are tenants; quota and name',
    events: 'the audit log',
    health: 'state of the program',
    metrics: 'figures for a monitoring system',
    store: 'long work on the log store, the root key',
};
