"""The part of the library's door that is about keeping: backups and the audit trail."""

from __future__ import annotations

from ingestion.schedule import Backups, BackupStatus
from store.catalog import Catalog
from store.catalog.audit import AuditEntry
from store.models import Frozen, Principal


class AuditState(Frozen):
    """The audit trail as a whole. `head`: the newest entry's hash; `fault`: None if it holds."""

    entries: int
    head: str
    fault: str | None


class Safekeeping:
    """What an administrator may ask of a library beside its documents."""

    catalog: Catalog
    backups: Backups

    def _admin(self, principal: Principal) -> None:
        """Raises NotAllowed for anybody else."""
        raise NotImplementedError

    def backup(self, principal: Principal, target: str | None = None) -> BackupStatus:
        """Begin a backup to a new file, or into a folder (named with a slash at its end).

        By default into FOOTNOTE_BACKUP_FOLDER. Raises BadInput, also while another is made.
        """
        self._admin(principal)
        return self.backups.begin(principal.id, target)

    def cancel_backup(self, principal: Principal) -> None:
        """Stop the backup being made; nothing of it is left."""
        self._admin(principal)
        self.backups.cancel()

    def backup_status(self, principal: Principal) -> BackupStatus:
        """Progress or result of the newest backup, and what is scheduled."""
        self._admin(principal)
        return self.backups.status()

    def audit(
        self,
        principal: Principal,
        after_seq: int = 0,
        limit: int = 1000,
        document_id: str | None = None,
    ) -> list[AuditEntry]:
        """Who did what to which document: at most `limit` entries after one, oldest first."""
        self._admin(principal)
        return self.catalog.audit(after_seq, limit, document_id)

    def newest_audit(self, principal: Principal, limit: int) -> list[AuditEntry]:
        """The last entries of the audit trail, newest first."""
        self._admin(principal)
        head = self.catalog.audit_head()
        return self.catalog.audit(max(0, head.seq - limit), limit)[::-1]

    def audit_state(self, principal: Principal) -> AuditState:
        """How long the audit trail is and whether it holds; reads all of it."""
        self._admin(principal)
        head = self.catalog.audit_head()
        return AuditState(entries=head.seq, head=head.hash, fault=self.catalog.check_audit())
