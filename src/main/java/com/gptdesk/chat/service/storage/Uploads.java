package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.files.DiskFull;
import com.gptdesk.chat.service.files.FileBusy;
import com.gptdesk.chat.service.files.FileContent;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.IncomingFile;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.Picture;
import com.gptdesk.chat.service.files.Scanner;
import com.gptdesk.chat.service.files.ScannerSettings;
import com.gptdesk.chat.service.files.StoreUnavailable;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.files.Thumbnails;
import com.gptdesk.chat.service.http.Problem;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.fileupload2.core.FileUploadException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Stores what comes: the database reserves the upload, the bytes go to the disk, and the database
 * makes them a file. What fails in between leaves nothing behind.
 */
final class Uploads {
  private static final Logger LOG = LoggerFactory.getLogger(Uploads.class);

  private final FileRecords records;
  private final ObjectStore store;
  private final FileSettings settings;
  private final FileCounts counts;
  private final Thumbnails thumbnails;
  private final @Nullable Scanner scanner;

  Uploads(FileRecords records, ObjectStore store, FileSettings settings, FileCounts counts) {
    this.records = records;
    this.store = store;
    this.settings = settings;
    this.counts = counts;
    this.thumbnails = new Thumbnails(store, settings.thumbnails(), counts);
    ScannerSettings scanned = settings.scanner();
    this.scanner = scanned == null ? null : new Scanner(scanned, counts);
  }

  /** Reads a whole file from the body, and stores it. */
  StoredFile store(Caller caller, FileRecords.Wanted wanted, InputStream body) {
    StoredFile begun = begin(caller, wanted);
    try (IncomingFile file = open(begun)) {
      store(begun, file, body);
      return begun;
    } catch (IOException e) {
      throw failed(e);
    } catch (Refusal e) {
      refused(e);
      throw e;
    } catch (Problem.Stop e) {
      refused(e);
      throw e;
    } catch (DatabaseUnavailable e) {
      counts.failed();
      throw e;
    }
  }

  /** Counts it. */
  void refused(Problem.Stop stop) {
    Problem problem = stop.problem();
    if (problem.status() >= 500) {
      counts.failed();
    } else {
      counts.refused(FileCounts.Why.of(problem.status(), problem.details()));
    }
  }

  /** Counts it. */
  void refused(Refusal refusal) {
    String code = refusal.code();
    int status =
        code.matches("PT\\d{3}")
            ? Integer.parseInt(code.substring(2))
            : code.equals("42501") ? 403 : 400;
    counts.refused(FileCounts.Why.of(status, refusal.details()));
  }

  private IncomingFile open(StoredFile begun) throws IOException {
    try {
      return store.write(begun.id());
    } catch (IOException e) {
      abandon(begun);
      throw e;
    }
  }

  private void store(StoredFile begun, IncomingFile file, InputStream body) throws IOException {
    boolean done = false;
    try {
      receive(file, body, records.limits().maxBytes());
      finish(begun, file);
      done = true;
    } catch (DatabaseUnavailable e) {
      done = true; // nobody knows whether it is stored; if not, the sweeper takes it
      throw e;
    } catch (StoreUnavailable e) {
      done = true; // nobody knows whether the object will be there, so the sweeper looks later
      discard(begun, file, false);
      throw e;
    } finally {
      if (!done) {
        discard(begun, file);
      }
    }
  }

  /** Reserves an upload, when there is room for it. */
  StoredFile begin(Caller caller, FileRecords.Wanted wanted) {
    try {
      if (wanted.size() != null) {
        requireRoom(wanted.size());
      }
      return records.begin(caller, wanted);
    } catch (Refusal e) {
      refused(e);
      throw e;
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** What is larger than any file may be is no matter of the disk: the database refuses it. */
  private void requireRoom(long bytes) throws IOException {
    try {
      store.requireRoom(bytes);
    } catch (DiskFull e) {
      if (bytes <= records.limits().maxBytes()) {
        throw e;
      }
    }
  }

  /**
   * Appends the body.
   *
   * @param most bytes of the file
   */
  void receive(IncomingFile file, InputStream body, long most) throws IOException {
    long before = file.size();
    try {
      if (!file.append(body, most)) {
        throw Problem.of(413, "EntityTooLarge", "The object exceeded the maximum allowed size")
            .withHint("At most " + most + " bytes are allowed")
            .stop();
      }
    } finally {
      counts.received(file.size() - before);
    }
  }

  /** Looks at what has come, and makes it a stored file. */
  void finish(StoredFile begun, IncomingFile file) throws IOException {
    FileContent content =
        FileContent.of(
            file, begun.lastName(), begun.type(), settings.keepsMetadata() || file.isWhole());
    ObjectNode details = JsonMapper.shared().createObjectNode();
    Picture picture = content.picture();
    if (picture != null) {
      if (picture.pixels() > settings.maxPixels()) {
        throw Problem.of(413, "EntityTooLarge", "The picture has too many pixels")
            .withHint("At most " + settings.maxPixels() + " pixels are allowed")
            .stop();
      }
      details.put("width", picture.width()).put("height", picture.height());
    }
    requireHarmless(begun, file);
    byte[] hash = file.hash();
    records.claim(begun.id(), hash); // another node may have other bytes of it, and end first
    thumbnails.add(begun.id(), file, content, details);
    file.keep();
    records.finish(begun.id(), file.size(), hash, content.type(), details);
    counts.stored();
  }

  /**
   * Refuses what the scanner finds something in, and, unless it is set otherwise, what it did not
   * see.
   */
  private void requireHarmless(StoredFile begun, IncomingFile file) throws IOException {
    if (scanner == null) {
      return;
    }
    switch (scanner.scan(begun.id(), file)) {
      case Scanner.Verdict.Clean() -> {}
      case Scanner.Verdict.Infected(String signature) -> {
        LOG.warn(
            "Upload {} of person {} was refused: the scanner found {}",
            begun.id(),
            begun.uploader(),
            signature);
        throw StorageErrors.infected().stop();
      }
      case Scanner.Verdict.TooLarge() -> {
        if (scanner.refusesUnscanned()) {
          throw StorageErrors.tooLargeToScan(scanner.maxBytes()).stop();
        }
      }
      case Scanner.Verdict.Away() -> {
        if (scanner.refusesUnscanned()) {
          throw StorageErrors.scannerAway().stop();
        }
      }
    }
  }

  /** Removes the bytes of an upload that will not be a file, while it is open, and gives it up. */
  void discard(StoredFile begun, IncomingFile file) {
    discard(begun, file, true);
  }

  private void discard(StoredFile begun, IncomingFile file, boolean abandons) {
    try {
      file.discard();
    } catch (IOException e) {
      LOG.warn("The bytes of upload {} are removed later, by the sweeper", begun.id(), e);
    }
    if (abandons) {
      abandon(begun);
    }
  }

  /** The database queues the removal of what there is, unless it is a stored file. */
  private void abandon(StoredFile begun) {
    try {
      records.abandon(begun.id());
    } catch (RuntimeException e) {
      LOG.warn("The upload {} is given up later, by the sweeper", begun.id(), e);
    }
  }

  /** What a failure of the disk or of the connection, or another writer, becomes. */
  RuntimeException failed(IOException failure) {
    if (failure instanceof FileBusy) {
      counts.refused(FileCounts.Why.BUSY);
      return StorageErrors.busy().stop();
    }
    counts.failed();
    if (failure instanceof DiskFull) {
      LOG.error("An upload was refused: {}", failure.getMessage());
      return StorageErrors.diskFull("The disk of the files is full").stop();
    }
    if (failure instanceof StoreUnavailable unavailable) {
      return StorageErrors.storeUnavailable(unavailable).stop();
    }
    if (failure instanceof BodyCutOff || failure instanceof FileUploadException) {
      return StorageErrors.cutOff().stop();
    }
    return new IllegalStateException("A file could not be written", failure);
  }
}
