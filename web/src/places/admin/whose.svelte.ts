/* Whose people and roles a page shows: the operator's own staff, or those of the tenant in scope. */
import { router } from '../../app/router.svelte.ts';
import { scope } from '../../app/scope.svelte.ts';
import { session } from '../../app/session.svelte.ts';

class Whose {
    /** '' stands for the operator's. */
    tenant = $derived(session.operator ? (router.get('of') === 'tenant' ? scope.tenant : '') : scope.tenant);

    users = $derived(this.tenant ? ('/tenants/{t}/users' as const) : ('/instance/users' as const));
    user = $derived(this.tenant ? ('/tenants/{t}/users/{u}' as const) : ('/instance/users/{u}' as const));
    reset = $derived(this.tenant ? ('/tenants/{t}/users/{u}/reset' as const) : ('/instance/users/{u}/reset' as const));
    sessions = $derived(this.tenant ? ('/tenants/{t}/users/{u}/sessions' as const) : ('/instance/users/{u}/sessions' as const));
    roles = $derived(this.tenant ? ('/tenants/{t}/roles' as const) : ('/instance/roles' as const));
    role = $derived(this.tenant ? ('/tenants/{t}/roles/{r}' as const) : ('/instance/roles/{r}' as const));
    tokens = $derived(this.tenant ? ('/tenants/{t}/tokens' as const) : ('/instance/tokens' as const));
    token = $derived(this.tenant ? ('/tenants/{t}/tokens/{k}' as const) : ('/instance/tokens/{k}' as const));
}

export const whose = new Whose();
