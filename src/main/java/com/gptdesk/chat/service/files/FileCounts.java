package com.gptdesk.chat.service.files;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What happened to files on this node since its start. Thread-safe. */
public final class FileCounts {
  private final LongAdder stored = new LongAdder();
  private final Map<Why, LongAdder> refused = new EnumMap<>(Why.class);
  private final LongAdder failed = new LongAdder();
  private final LongAdder bytesReceived = new LongAdder();
  private final LongAdder bytesSent = new LongAdder();
  private final LongAdder removed = new LongAdder();
  private final LongAdder removalsFailed = new LongAdder();
  private final LongAdder redirected = new LongAdder();
  private final LongAdder storeFailures = new LongAdder();
  private volatile boolean storeFails;
  private final LongAdder thumbnailsMade = new LongAdder();
  private final LongAdder thumbnailsFailed = new LongAdder();
  private final LongAdder clean = new LongAdder();
  private final LongAdder infected = new LongAdder();
  private final LongAdder unscanned = new LongAdder();
  private final LongAdder scansTimedOut = new LongAdder();

  public FileCounts() {
    for (Why why : Why.values()) {
      refused.put(why, new LongAdder());
    }
  }

  /** Why an upload was refused. */
  public enum Why {
    /** The person may not write there, or not any more. */
    RIGHT,
    /** The name is taken, or other bytes were stored. */
    TAKEN,
    /** The file or the picture is too large. */
    SIZE,
    /** Files of this type are not taken. */
    TYPE,
    /** The person has uploaded too much today. */
    LIMIT,
    /** The virus scanner found something. */
    INFECTED,
    /** The file is too large for the virus scanner. */
    UNSCANNED,
    /** Another request writes the same upload. */
    BUSY,
    /** The request is no upload that can be. */
    OTHER;

    /**
     * Of an answer.
     *
     * @param reason its reason code; null for none
     */
    public static Why of(int status, @Nullable String reason) {
      return switch (status) {
        case 401, 403 -> RIGHT;
        case 404, 409 -> TAKEN;
        case 413 -> "file_unscanned".equals(reason) ? UNSCANNED : SIZE;
        case 415 -> TYPE;
        case 422 -> INFECTED;
        case 423 -> BUSY;
        case 429 -> LIMIT;
        default -> OTHER;
      };
    }
  }

  /** An upload became a whole file. */
  public void stored() {
    stored.increment();
  }

  /** An upload was refused, by the database or for its content. */
  public void refused(Why why) {
    Objects.requireNonNull(refused.get(why)).increment();
  }

  /** An upload failed: the client went away, or the disk is full or broken. */
  public void failed() {
    failed.increment();
  }

  public void received(long bytes) {
    bytesReceived.add(bytes);
  }

  public void sent(long bytes) {
    bytesSent.add(bytes);
  }

  /** So many files were removed from the disk. */
  void removed(int files) {
    removed.add(files);
  }

  /** A file could not be removed; it is tried again later. */
  void removalFailed() {
    removalsFailed.increment();
  }

  /** A read was answered with an address of the bucket. */
  public void redirected() {
    redirected.increment();
  }

  /** The store has answered. */
  void storeAnswered() {
    if (storeFails) {
      storeFails = false;
    }
  }

  /** The store has not answered, or has refused. */
  void storeFailed() {
    storeFailures.increment();
    storeFails = true;
  }

  public long readsRedirected() {
    return redirected.sum();
  }

  public long storeFailures() {
    return storeFailures.sum();
  }

  /** Whether the last request to the store failed. */
  public boolean storeFails() {
    return storeFails;
  }

  /** A picture got its small ones. */
  void thumbnailsMade() {
    thumbnailsMade.increment();
  }

  /** A picture is stored without small ones: it is broken, or takes too much memory or time. */
  void thumbnailsFailed() {
    thumbnailsFailed.increment();
  }

  /** The virus scanner found nothing in a file. */
  void clean() {
    clean.increment();
  }

  /** The virus scanner found something in a file. */
  void infected() {
    infected.increment();
  }

  /** The virus scanner did not look at a file: it is away, or the file is too large. */
  void unscanned() {
    unscanned.increment();
  }

  /** The virus scanner did not answer in time. */
  void scanTimedOut() {
    scansTimedOut.increment();
  }

  public long uploadsStored() {
    return stored.sum();
  }

  public long uploadsRefused() {
    return refused.values().stream().mapToLong(LongAdder::sum).sum();
  }

  public long uploadsRefused(Why why) {
    return Objects.requireNonNull(refused.get(why)).sum();
  }

  public long uploadsFailed() {
    return failed.sum();
  }

  public long bytesReceived() {
    return bytesReceived.sum();
  }

  public long bytesSent() {
    return bytesSent.sum();
  }

  public long removals() {
    return removed.sum();
  }

  public long removalFailures() {
    return removalsFailed.sum();
  }

  public long picturesWithThumbnails() {
    return thumbnailsMade.sum();
  }

  public long picturesWithoutThumbnails() {
    return thumbnailsFailed.sum();
  }

  public long scansClean() {
    return clean.sum();
  }

  public long scansInfected() {
    return infected.sum();
  }

  public long scansTimedOut() {
    return scansTimedOut.sum();
  }

  public long scansFailed() {
    return unscanned.sum();
  }
}
