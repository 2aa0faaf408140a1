# One image for api, workers, console, sandbox and the one-shot jobs; the command decides.
FROM python:3.13-slim-bookworm AS build

ENV UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
RUN uv venv /app/.venv

# Dependencies first: they change less often than the code. Only those of the product,
# at the locked versions and with the locked hashes; the development tools stay out.
COPY pyproject.toml requirements.lock ./
RUN uv pip install --python /app/.venv --requirements pyproject.toml --constraints requirements.lock

COPY . .
# Editable, here as everywhere: products, migrations and data live beside the code, not in a wheel.
RUN uv pip install --python /app/.venv --no-deps --editable .

FROM python:3.13-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/plimsoll --create-home plimsoll \
    # A new volume takes these folders over, owner included; secrets are mounted into the inner one.
    && install --directory --owner=plimsoll --mode=700 /var/lib/plimsoll /var/lib/plimsoll/secrets
COPY --from=build /app /app

ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PLIMSOLL_HOME=/var/lib/plimsoll
WORKDIR /app
USER plimsoll
VOLUME /var/lib/plimsoll
ENTRYPOINT ["/app/deploy/entrypoint.sh"]
CMD ["plimsoll", "--help"]
