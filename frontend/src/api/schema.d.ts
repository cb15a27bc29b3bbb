/**
 * The shape of the API as `npm run types` writes it from the OpenAPI file.
 * Written by hand from the API reference until the server's own file is there; never import it outside `src/api`.
 */

type Body<B> = { content: { 'application/json': B } };
type Reply<R> = { 200: { headers: { [name: string]: unknown }; content: { 'application/json': R } } };
type NoPath = { path?: never; header?: never; cookie?: never };
type ById = { path: { id: string }; header?: never; cookie?: never; query?: never };
type Read<R, Q = never> = { parameters: NoPath & { query?: Q }; requestBody?: never; responses: Reply<R> };
type ReadOne<R, P = { id: string }, Q = never> = {
  parameters: { path: P; query?: Q; header?: never; cookie?: never };
  requestBody?: never;
  responses: Reply<R>;
};
type Write<R, B> = { parameters: NoPath & { query?: never }; requestBody: Body<B>; responses: Reply<R> };
type WriteOne<R, B> = { parameters: ById; requestBody: Body<B>; responses: Reply<R> };
type Act<R> = { parameters: NoPath & { query?: never }; requestBody?: never; responses: Reply<R> };
type ActOne<R, P = { id: string }> = {
  parameters: { path: P; query?: never; header?: never; cookie?: never };
  requestBody?: never;
  responses: Reply<R>;
};
type Upload<R, B> = {
  parameters: { path?: { id: string }; query?: never; header?: never; cookie?: never };
  requestBody: { content: { 'multipart/form-data': B } };
  responses: Reply<R>;
};

type S = components['schemas'];
type Page<T> = { items: T[]; next_cursor: string | null; total?: number | null };
type Paging = { limit?: number; cursor?: string; sort?: string; q?: string; with_total?: boolean };

export interface components {
  schemas: {
    User: {
      id: string;
      email: string;
      full_name: string;
      role: string;
      time_zone: string;
      language: string;
      theme: string;
      is_admin: boolean;
    };
    Me: {
      user: S['User'];
      workspace: { id: string; name: string; time_zone: string; default_country: string | null };
      permissions: string[];
      limits: { devices: number };
    };
    SignIn: { id: string; device: string; address: string | null; last_used_at: string; current: boolean };
    Setup: {
      first_start: boolean;
      registration_open: boolean;
      registration: string | null;
      checks: { name: string; ok: boolean; hint: string | null }[];
    };
    Settings: { name: string; time_zone: string; default_country: string | null };
    ApiKey: {
      id: string;
      name: string;
      prefix: string;
      scopes: string[];
      created_at: string;
      last_used_at: string | null;
      expires_at: string | null;
    };
    NewApiKey: S['ApiKey'] & { key: string };
    Limits: { per_minute: number; per_hour: number; per_day: number };
    Device: {
      id: string;
      name: string;
      phone: string | null;
      jid: string | null;
      driver: string;
      status: string;
      state: string;
      state_reason: string | null;
      state_since: string;
      hold_until: string | null;
      last_seen: string | null;
      sending_paused: boolean;
      unofficial: boolean;
      limits: S['Limits'];
      min_delay_seconds: number;
      max_delay_seconds: number;
      lead_count: number;
      sent_today: number;
      failed_today: number;
      queue_size: number;
      is_demo?: boolean;
      created_at: string;
      updated_at: string;
    };
    DeviceEvent: { at: string; state: string; reason: string | null; words: string };
    DeviceHealth: {
      words: string;
      allowance_left: { [span: string]: number };
      checks: { name: string; ok: boolean; advice: string | null }[];
    };
    DeletionPreview: {
      leads: number;
      messages: number;
      pending_messages: number;
      campaigns: number;
    };
    Qr: { qr: string; expires_at: string; attempt: number };
    PairCode: { pair_code: string; expires_at: string };
    Refreshed: { result: string; device: S['Device'] };
    Lead: {
      id: string;
      person_id: string;
      device_id: string | null;
      name: string;
      phone: string;
      niche: string;
      niches: string[];
      target_status: string;
      additional_note: string | null;
      trigger: string;
      triggers: string[];
      attributes: { [key: string]: string };
      time_zone: string | null;
      source: string | null;
      last_interaction_at: string | null;
      created_at: string;
      updated_at: string;
    };
    Facets: {
      total: number;
      target_status: { [status: string]: number };
      niches: { name: string; count: number }[];
      triggers: { name: string; count: number }[];
    };
    Job: {
      id: string;
      kind: string;
      status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
      done: number;
      total: number | null;
      eta_at: string | null;
      result: unknown;
      error: string | null;
    };
    Counts: {
      total: number;
      pending: number;
      queued: number;
      sent: number;
      failed: number;
      skipped: number;
      unconfirmed: number;
      delivered: number;
      read: number;
      held: number;
      cancelled: number;
      suppressed: number;
      expired: number;
    };
    Campaign: {
      id: string;
      title: string;
      niche: string;
      target_status: string;
      message: string | null;
      image_url: string | null;
      media_id: string | null;
      campaign_date: string | null;
      time_schedule: string | null;
      time_zone: string;
      scheduled_at: string | null;
      min_delay_seconds: number;
      max_delay_seconds: number;
      device_ids: string[] | null;
      is_editable: boolean;
      is_demo: boolean;
      status: string;
      status_reason: string | null;
      counts: S['Counts'];
      success_rate: number | null;
      rate_per_minute: number | null;
      eta_at: string | null;
      eta_late_at: string | null;
      started_at: string | null;
      finished_at: string | null;
      created_at: string;
      updated_at: string;
    };
    Message: {
      id: string;
      kind: string;
      campaign_id: string | null;
      device_id: string;
      lead_id: string | null;
      name: string | null;
      phone: string;
      message_type: string;
      status: string;
      state: string;
      reason: string | null;
      waiting_for: string | null;
      error: string | null;
      attempts: number;
      text?: string | null;
      scheduled_at: string | null;
      sent_at: string | null;
      delivered_at: string | null;
      read_at: string | null;
      created_at: string;
      client_ref: string | null;
    };
    Accepted: { message_id: string; status: string; message: string };
    Alert: {
      id: string;
      level: string;
      kind: string;
      name: string;
      code: string;
      count: number;
      since: string | null;
      until: string | null;
    };
    Dashboard: {
      start_date: string;
      end_date: string;
      time_zone: string;
      devices: { total: number; active: number; offline: number; needs_attention: number };
      leads: { total: number; new: number; pooled: number };
      campaigns: {
        total: number;
        should_send: number;
        done_send: number;
        failed_send: number;
        remaining_send: number;
        skipped: number;
        unconfirmed: number;
      };
      daily: { date: string; sent: number; delivered: number; read: number; failed: number }[];
      now_sending: S['Campaign'][];
      next_up: S['Campaign'][];
      alerts: S['Alert'][];
      updated_at: string;
    };
  };
}

export interface paths {
  '/api/login': { post: Write<{ user: S['User'] }, { email: string; password: string }> };
  '/api/register': { post: Write<{ user: S['User'] }, { full_name: string; email: string; password: string }> };
  '/api/logout': { post: Act<undefined> };
  '/api/me': {
    get: Read<S['Me']>;
    put: Write<S['Me'], { full_name?: string; time_zone?: string; theme?: 'light' | 'dark' | 'system' }>;
  };
  '/api/me/password': { post: Write<undefined, { current_password: string; new_password: string }> };
  '/api/me/sign-ins': { get: Read<S['SignIn'][]> };
  '/api/me/sign-ins/{id}': { delete: ActOne<undefined> };
  '/api/setup': {
    get: Read<S['Setup']>;
    post: Write<
      S['Setup'],
      {
        full_name: string;
        email?: string | null;
        time_zone: string;
        default_country: string | null;
        registration: string;
        accept_terms: boolean;
      }
    >;
  };
  '/api/settings': { get: Read<S['Settings']>; put: Write<S['Settings'], Partial<S['Settings']>> };
  '/api/api-keys': {
    get: Read<S['ApiKey'][]>;
    post: Write<S['NewApiKey'], { name: string; scopes: string[]; expires_at?: string | null }>;
  };
  '/api/api-keys/{id}': { delete: ActOne<undefined> };
  '/api/devices': {
    get: Read<Page<S['Device']>, Paging & { state?: string; status?: string }>;
    post: Write<S['Device'], { name: string; phone?: string | null; driver?: string }>;
  };
  '/api/devices/{id}': {
    get: ReadOne<S['Device']>;
    put: WriteOne<
      S['Device'],
      {
        name?: string;
        phone?: string | null;
        limits?: S['Limits'];
        min_delay_seconds?: number;
        max_delay_seconds?: number;
      }
    >;
    delete: ActOne<{ device_id: string; device_name: string; deleted: { [what: string]: number } }>;
  };
  '/api/devices/{id}/deletion-preview': { get: ReadOne<S['DeletionPreview']> };
  '/api/devices/{id}/connect': { post: ActOne<{ state: string }> };
  '/api/devices/{id}/disconnect': { post: ActOne<S['Device']> };
  '/api/devices/{id}/pause': { post: ActOne<S['Device']> };
  '/api/devices/{id}/resume': { post: ActOne<S['Device']> };
  '/api/devices/{id}/logout': { post: ActOne<S['Device']> };
  '/api/devices/{id}/refresh': { post: ActOne<S['Refreshed']> };
  '/api/devices/{id}/qr': { get: ReadOne<S['Qr']> };
  '/api/devices/{id}/pair-code': { post: WriteOne<S['PairCode'], { phone: string }> };
  '/api/devices/{id}/events': { get: ReadOne<Page<S['DeviceEvent']>> };
  '/api/devices/{id}/health': { get: ReadOne<S['DeviceHealth']> };
  '/api/devices/{id}/simulate': {
    post: WriteOne<{ done: boolean }, { action: string; phone?: string; text?: string; for_seconds?: number }>;
  };
  '/api/messages': {
    get: Read<Page<S['Message']>, Paging & { device_id?: string; status?: string; kind?: string; phone?: string }>;
  };
  '/api/send/message': {
    post: Write<S['Accepted'], { device_id: string; phone: string; message: string; client_ref?: string }>;
  };
  '/api/send/image': {
    post: Write<
      S['Accepted'],
      { device_id: string; phone: string; caption?: string; view_once?: boolean; image_url?: string; media_id?: string }
    >;
  };
  '/api/dashboard': { get: Read<S['Dashboard'], { start_date?: string; end_date?: string; device_id?: string }> };
  '/api/jobs/{id}': { get: ReadOne<S['Job']> };
  '/api/jobs/{id}/cancel': { post: ActOne<S['Job']> };
  '/api/demo': { post: Act<S['Job']>; delete: Act<{ removed: { [what: string]: number } }> };

  '/api/leads': {
    get: Read<
      Page<S['Lead']>,
      Paging & { device_id?: string; target_status?: string; niche?: string; trigger?: string }
    >;
    post: Write<
      S['Lead'],
      {
        name: string;
        phone: string;
        device_id: string;
        niche?: string;
        target_status?: string;
        additional_note?: string | null;
        trigger?: string;
        time_zone?: string | null;
      }
    >;
  };
  '/api/leads/facets': { get: Read<S['Facets'], { device_id?: string }> };
  '/api/leads/{id}': {
    get: ReadOne<S['Lead']>;
    put: WriteOne<S['Lead'], Partial<Omit<S['Lead'], 'id'>>>;
    delete: ActOne<undefined>;
  };
  '/api/leads/{id}/history': { get: ReadOne<{ messages: S['Message'][] }> };

  '/api/campaigns': {
    get: Read<
      Page<S['Campaign']>,
      Paging & { status?: string; niche?: string; target_status?: string; date?: string; start_date?: string; end_date?: string }
    >;
    post: Write<S['Campaign'], { [field: string]: unknown }>;
  };
  '/api/campaigns/{id}': {
    get: ReadOne<S['Campaign']>;
    put: WriteOne<S['Campaign'], { [field: string]: unknown }>;
    delete: ActOne<{ deleted_messages: number }>;
  };
}
