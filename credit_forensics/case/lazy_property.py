"""A property that is computed once and stored, and that completion does not compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The same to a type checker.
    from functools import cached_property as cached_property  # noqa: PLC0414  # re-exported
else:

    class cached_property(property):  # noqa: N801  # used as the decorators it stands in for
        """As ``functools.cached_property``, but a ``property``.

        A notebook's completion (Jedi) runs a ``cached_property`` to see what its value offers,
        and a key press would judge a whole case. Of a ``property`` it reads the annotation.

        Examples
        --------
        >>> class Sum:
        ...     @cached_property
        ...     def total(self) -> int:
        ...         print("summing")
        ...         return 3
        >>> case = Sum()
        >>> case.total + case.total
        summing
        6
        """

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            stored = vars(instance)
            if self._name not in stored:
                stored[self._name] = self.fget(instance)
            return stored[self._name]

        def __delete__(self, instance: Any) -> None:
            del vars(instance)[self._name]


__all__ = ["cached_property"]
