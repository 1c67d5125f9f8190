"""Every setting, read once from FOOTNOTE_* (and OPENAI_*) variables or a .env file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from store.models import SameName

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one Footnote; every field is documented in the README's table."""

    model_config = SettingsConfigDict(
        env_prefix="FOOTNOTE_",
        env_file=ROOT / ".env",
        env_ignore_empty=True,  # FOOTNOTE_DATA= is no data folder, least of all the current one
        extra="ignore",
        populate_by_name=True,
    )

    data: Path = ROOT / "data" / "store"
    """The data folder."""
    reserve_mb: int = 64
    """Kept free on the data folder's disk: no file is taken in that would use it up."""
    samples: bool = True
    """Add the sample documents to a new data folder."""

    max_file_mb: int = 200
    max_pages: int = 5000
    max_pixels: int = 120_000_000
    ocr_languages: str = "eng"
    parser_memory_mb: int = 1500
    page_timeout_s: float = 60.0
    parser_processes: int = 2
    parser_stuck_s: float = 600.0
    """Seconds a file may go without a page that came back."""
    parser_recycle_pages: int = 500
    parser_idle_s: float = 30.0
    parser_open_files: int = 256
    parser_file_mb: int = 256
    parser_scratch_mb: int = 512
    parser_answer_mb: int = 96
    same_name: SameName = "ask"
    """A new file with a known name: `replace`, `keep_both`, `skip`, or `ask` on the screen."""

    embedder: str = "local"
    """`local`, or `openai` for an OpenAI-compatible embeddings server."""
    embedder_base_url: str | None = None
    embedder_api_key: SecretStr | None = None
    embedder_model: str | None = None
    embed_threads: int | None = None
    model_dir: Path | None = None
    reindex_share: float = Field(0.25, gt=0, le=1)
    """Of the time in which questions are asked, what a re-index may work."""
    keep_generation_days: float = Field(7, ge=0)
    """How long the index before the last re-index is kept for a return."""

    openai_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key")
    )
    openai_base_url: str | None = Field(
        None, validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url")
    )
    models: str = "gpt-4o-mini"
    """Models to try in order, comma separated."""
    context_tokens: int = 6000
    answer_tokens: int = 800
    answer_deadline_s: float = 60.0
    unsupported: Literal["mark", "drop"] = "mark"
    """What becomes of a model's sentence that the documents do not say."""
    check_model: str = ""
    """A model at the same address that compares each generated sentence with its passages."""
    daily_tokens: int = 0
    """Most tokens sent to and received from the models on a day (UTC); 0 is no limit."""
    model_context_window: int = 16_000
    model_prices: str = ""
    """`model=input/output, …` in currency units for a million tokens; costs are then told."""

    rerank_base_url: str | None = None
    """A server that ranks what a search found; questions and passages are sent there."""
    rerank_model: str | None = None
    rerank_api_key: SecretStr | None = None

    otlp_endpoint: str | None = None
    """An OpenTelemetry collector (OTLP over gRPC) that gets times and counts of answers."""

    vision_model: str | None = None
    """A model that looks at pictures of pages; none is ever asked without it."""
    vision_base_url: str | None = None
    vision_api_key: SecretStr | None = None
    vision_max_regions: int = 20
    vision_max_tokens: int = 1500
    vision_timeout_s: float = 90.0
    vision_parallel: int = 2

    backup_folder: Path | None = None
    """Where backups are made on a schedule, outside the data folder; none without it."""
    backup_hours: float = Field(24.0, gt=0)
    backup_keep: int = Field(7, ge=1)
    """Backups kept in that folder; older ones are deleted whole."""

    host: str = "127.0.0.1"
    port: int = 8501
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    """Host names this server answers to, comma separated."""

    @property
    def model_list(self) -> tuple[str, ...]:
        """The models to ask, empty where generation is not configured."""
        if not (self.openai_api_key or self.openai_base_url):
            return ()
        return tuple(m.strip() for m in self.models.split(",") if m.strip())
