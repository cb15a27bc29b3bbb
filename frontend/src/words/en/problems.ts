// What went wrong, in words. Looked up by the `code` of the server's answer; unknown codes show the server's own sentence.

export const problems = {
  title: 'That did not work',
  loadTitle: 'This could not be loaded',
  retry: 'Try again',
  requestId: 'Request',
  copyRequestId: 'Copy the request number',
  fieldsTitle: 'Please check these fields',
  waitSeconds: (seconds: number) => `Try again in ${seconds} s.`,
  byCode: {
    unreachable: 'The server does not answer. Check that it is running and that you are connected.',
    unauthenticated: 'You are signed out. Sign in again to go on.',
    invalid_credentials: 'E-mail and password do not fit together.',
    forbidden: 'You are not allowed to do this. Ask the owner of the workspace.',
    csrf: 'The request came from another page and was refused. Reload and try again.',
    not_found: 'It is not there any more, or it is not yours.',
    changed_meanwhile: 'Someone changed this meanwhile. Reload to see the newer version.',
    rate_limited: 'Too many tries.',
    too_large: 'The file is too large.',
    unsupported_type: 'This kind of file cannot be used.',
    unavailable: 'The server cannot do this at the moment.',
    registration_closed: 'Registration is closed here. Ask the administrator for an account.',
    http_500: 'The server ran into a fault. It is written in its log under the request number below.',
  } as Record<string, string>,
};
