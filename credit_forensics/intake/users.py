"""``GET /api/v1/users/validate/{user_id}``: whether an account exists, and nothing else."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Path, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from credit_forensics.intake.guarded import Guard
from credit_forensics.intake.signed_in import SignedIn


class Validated(BaseModel):
    """An account exists."""

    valid: bool
    user_id: str


def router(guard: Guard, engine: AsyncEngine) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/api/v1/users", tags=["users"])

    @routes.get(
        "/validate/{user_id}",
        responses={
            401: {"description": "not signed in"},
            404: {"description": "no such user"},
            429: {"description": "too many requests"},
        },
    )
    async def validate_user(
        request: Request, user_id: str = Path(min_length=1, max_length=200)
    ) -> Validated:
        """Whether the user exists. A signed-in user may only ask about itself."""
        caller = guard.user_or_service(request)
        # Of somebody else a user learns as much as of nobody.
        if isinstance(caller, SignedIn) and caller.user_id != user_id:
            raise HTTPException(404, "no such user")
        if not await exists(engine, user_id):
            raise HTTPException(404, "no such user")
        return Validated(valid=True, user_id=user_id)

    return routes


async def exists(engine: AsyncEngine, user_id: str) -> bool:
    """Whether an account has this id, to the letter."""
    return await account_email(engine, user_id) is not None


async def account_email(engine: AsyncEngine, user_id: str) -> str | None:
    """The account's e-mail, empty where it has none; None where there is no account."""
    if "\x00" in user_id or len(user_id) > 200:
        return None
    try:
        user_id.encode()
    except UnicodeEncodeError:
        return None
    async with engine.connect() as connection:
        query = sa.text("SELECT coalesce(email, '') FROM users WHERE id = :user_id")
        return (await connection.execute(query, {"user_id": user_id})).scalar_one_or_none()
