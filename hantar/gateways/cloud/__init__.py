"""WhatsApp's official Cloud API as a driver.

What others use:

- `driver.CloudDriver`: the port's driver, with `check` (`credentials.HasCredentials`), `templates(device)` and `take_hook`.
- `await driver.take_hook(payload, places)`: hand over one webhook call, parsed; returns how many events it held, all of them
  committed by the sink. Raises what kept the sink from taking one: hand the same call over again, whole (everything in it
  counts once). `places`: from each of `webhooks.names_in(payload)` that you know to the ids of its devices; others are left out.
- `webhooks.names_in(payload)`: the number ids and business account ids that a call speaks of.
- `webhooks.events_of(payload, places, at)`: the same call as port events, without side effects.
- `webhooks.is_signed(body, header, secret)` over the raw body, and `webhooks.challenge(query, token)` for the GET.
"""
