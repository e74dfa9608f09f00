"""Uploads: the files and folders that are open in the app, how each is read, and its jobs."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devicekit.app import archives
from devicekit.app.questions import Entries
from devicekit.app.results import Opened, ReadResult
from devicekit.app.security import clean_file_name, clean_path
from devicekit.app.worker import Job
from devicekit.core.errors import FileError, Question
from devicekit.system.answers import Answered
from devicekit.system.options import ReadOptions

MOST_BYTES = 2 << 30  # of one upload
FORMS_KEPT = 20  # that a page may still show


@dataclass(eq=False)
class Upload:
    """One file, or one folder of files.

    Attributes
    ----------
    key : str
        Random; part of its address.
    name : str
        Name of the file or folder.
    folder : Path
        Folder that holds it and nothing else.
    is_folder, is_bundle : bool
        True for a folder; true for a folder that exists only here, for files that were dropped together.
    reading : ReadOptions
        Options for reading it.
    answers : dict of str to mapping
        Options of the answers to the reader's question, by its parts.
    asked : tuple of Question
        The parts of the form that led to them.
    form : FormData, optional
        That form.
    entries : dict of str to Entries
        Its entries by question, and those of questions that its answers made needless.
    forms : dict of str to (tuple of Question)
        Parts of the forms that a page may show, by the job that asked them.
    looked : dict of str to Entries
        Entries of forms that were not sent yet.
    recipe : Path, optional
        Recipe to be written once the answers are enough.
    options : dict of str to value
        Options of the fit or of the figures of merit, those that differ from the defaults.
    archive : str
        Name of the zip archive that it was unpacked from; "" if there was none.
    example : str
        Name of the set that it is a copy of; "" for a file of the user.
    first_job, read_job, look_job, analysis_job : Job, optional
        A first look at it; reading it; reading it with answers that are not given yet; fitting or characterising the
        table.
    records : tuple of str
        Ids of its records in the library: one of each card, or of the measurement.
    size : int
        Bytes received.
    is_complete : bool
        True once all of it is received; it is not read before.
    """

    key: str
    name: str
    folder: Path
    is_folder: bool = False
    is_bundle: bool = False
    reading: ReadOptions = field(default_factory=ReadOptions)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: tuple[Question, ...] = ()
    form: Any = None
    entries: Mapping[str, Entries] = field(default_factory=dict)
    forms: dict[str, tuple[Question, ...]] = field(default_factory=dict)
    looked: Mapping[str, Entries] = field(default_factory=dict)
    recipe: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    first_job: Job | None = None
    read_job: Job | None = None
    look_job: Job | None = None
    analysis_job: Job | None = None
    records: tuple[str, ...] = ()
    archive: str = ""
    example: str = ""
    size: int = 0
    is_complete: bool = False

    @property
    def path(self) -> Path:
        """The file, or the folder."""
        return self.folder / self.name

    @property
    def read_result(self) -> ReadResult | None:
        """What the reader has understood, None before it has."""
        job = self.read_job
        return job.result if job is not None and isinstance(job.result, ReadResult) else None

    @property
    def first_look(self) -> Opened | None:
        """The first look at it, None before it is known."""
        job = self.first_job
        return job.result if job is not None and isinstance(job.result, Opened) else None

    @property
    def question(self) -> Question | None:
        """The question of the reader, None without one."""
        result = self.read_result
        return result.question if result is not None else None

    @property
    def progress(self) -> str:
        """Progress in words."""
        if not self.is_complete:
            return "uploading"
        if self.question:
            return "needs an answer"
        if self.read_job is None:
            return "not read yet"
        if not self.read_job.is_over:
            return "reading"
        if self.read_job.state == "failed":
            return "cannot be read"
        done = self.analysis_job is not None and self.analysis_job.state == "done" and self.read_result is not None
        words = "read" if not done else {"fit": "fitted"}.get(self.read_result.task, "characterized")  # type: ignore[union-attr]
        return f"{words}, in the library" if self.records else words

    @property
    def answered(self) -> Answered:
        """Options and accepted statements, as far as the answers were used."""
        result = self.read_result
        return result.answered if result is not None else Answered(self.reading)

    def keep_form(self, job: str, asked: tuple[Question, ...]) -> None:
        """Keep the parts of a form, as its answers will come back; the oldest are forgotten."""
        self.forms[job] = asked
        for old in list(self.forms)[:-FORMS_KEPT]:
            del self.forms[old]

    def reset(self, options: ReadOptions) -> None:
        """Set new reading options and forget the earlier jobs and answers."""
        self.reading, self.answers, self.asked, self.form, self.recipe = options, {}, (), None, None
        self.entries, self.forms, self.looked = {}, {}, {}
        self.read_job, self.look_job, self.analysis_job, self.records = None, None, None, ()


class Uploads:
    """All uploads of a running app, in a temporary folder.

    Parameters
    ----------
    root : Path
        The folder.
    size_limit : int
        Largest size of one upload [bytes].
    """

    def __init__(self, root: Path, size_limit: int = MOST_BYTES) -> None:
        self.root, self.size_limit = root, size_limit
        self._uploads: dict[str, Upload] = {}

    def __iter__(self) -> Any:
        return iter(list(self._uploads.values())[::-1])

    def get(self, key: str) -> Upload | None:
        """Return the upload with a key."""
        return self._uploads.get(key)

    def open(self, name: str, is_folder: bool, is_bundle: bool = False) -> Upload:
        """Open a new upload, to which files are added."""
        key = uuid.uuid4().hex
        folder = self.root / key
        folder.mkdir(parents=True)
        upload = Upload(key, clean_file_name(name), folder, is_folder, is_bundle)
        if is_folder:
            upload.path.mkdir()
        self._uploads[key] = upload
        return upload

    def split(self, upload: Upload) -> None:
        """Make one upload of each file of a folder, in its place; they are read when they are looked at."""
        for file in sorted((each for each in upload.path.rglob("*") if each.is_file()), reverse=True):
            single = self.open(file.name, False)
            file.replace(single.path)
            single.is_complete = True
        self.close(upload)

    async def receive(self, upload: Upload, name: str, body: AsyncIterator[bytes]) -> None:
        """Write a file as it arrives; remove it if it does not arrive completely.

        Raises
        ------
        FileError
            If the upload becomes too large, already holds that name, or cannot be written; or a path leads out of it.
        """
        target = upload.path / clean_path(name, upload.name) if upload.is_folder else upload.path
        is_complete = is_begun = False
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                is_begun = True
                async for block in body:
                    upload.size += len(block)
                    if upload.size > self.size_limit:
                        limit = f"{self.size_limit / 2**30:.3g} GiB"
                        raise FileError(f"{upload.name} is larger than {limit}. Use the command line.")
                    stream.write(block)
            is_complete = True
        except FileExistsError:
            raise FileError(f"{upload.name} holds two files named {target.name}. Rename one.") from None
        except OSError as error:  # such as no space left
            raise FileError.of("Cannot store", target.name, error) from error
        finally:
            if is_begun and not is_complete:  # an earlier file of that name stays
                target.unlink(missing_ok=True)
                if not upload.is_folder:
                    self.close(upload)

    def holds(self, upload: Upload, name: str) -> bool:
        """Return whether a file of that name was received or is being received."""
        return (upload.path / clean_path(name, upload.name) if upload.is_folder else upload.path).exists()

    def unpack(self, upload: Upload) -> None:
        """Put the folder in a zip archive, or the only file, in its place; other files stay.

        Raises FileError if the archive is refused; see `archives.unpack`.
        """
        if upload.is_folder or not archives.is_archive(upload.path):
            return
        packed = upload.path.replace(self.root / f"{upload.key}{archives.ENDING}")
        try:
            found = archives.unpack(packed, upload.folder, upload.name, self.size_limit)
            if found is None:
                packed.replace(upload.path)
                return
        finally:
            packed.unlink(missing_ok=True)
        upload.archive, upload.name, upload.is_folder = upload.name, found.name, found.is_dir()

    def close(self, upload: Upload) -> None:
        """Forget an upload and remove its files."""
        self._uploads.pop(upload.key, None)
        shutil.rmtree(upload.folder, ignore_errors=True)
