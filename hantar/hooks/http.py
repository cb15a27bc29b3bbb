"""Where the Cloud API reports: one address for its challenge and its calls, without a sign-in and outside `/api`."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from hantar.accounts.model import Unauthenticated
from hantar.gateways.cloud import webhooks
from hantar.hooks import model, service
from hantar.kit import errors

router = APIRouter(tags=["Hooks"])

SIGNATURE = "X-Hub-Signature-256"


class WrongToken(errors.Forbidden):
    """This is not the token that was set for this address."""

    code = "wrong_token"


class NotSigned(Unauthenticated):
    """This call does not carry the app's signature over its body."""

    code = "not_signed"


def _hooks(request: Request) -> service.Hooks:
    found: service.Hooks | None = request.app.state.parts.get(service.Hooks)
    if found is None:
        raise errors.NotFound
    return found


@router.get(
    "/hooks/cloud",
    summary="The Cloud API asks whether this is its address",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}}, "description": "The challenge, as it came."}},
)
async def challenge(request: Request) -> PlainTextResponse:
    """Answers `hub.challenge` when `hub.verify_token` is the one that was set (`HANTAR_CLOUD_VERIFY_TOKEN`); else 403."""
    answer = webhooks.challenge(request.query_params, _hooks(request).keys.token)
    if answer is None:
        raise WrongToken
    return PlainTextResponse(answer, headers={"Cache-Control": "no-store"})


@router.post(
    "/hooks/cloud",
    summary="The Cloud API reports statuses and messages",
    response_class=Response,
    max_body_size=model.LARGEST,
)
async def receive(request: Request) -> Response:
    """Stored as it came and answered at once; 401 without the app's signature over the raw body (`X-Hub-Signature-256`)."""
    hooks, body = _hooks(request), await request.body()
    if not webhooks.is_signed(body, request.headers.get(SIGNATURE), hooks.keys.secret):
        raise NotSigned
    await hooks.keep(body)
    return Response(status_code=200)
