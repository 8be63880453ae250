package com.gptdesk.chat.service.files;

import java.util.concurrent.atomic.LongAdder;

/** What happened to files on this node since its start. Thread-safe. */
public final class FileCounts {
  private final LongAdder stored = new LongAdder();
  private final LongAdder refused = new LongAdder();
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

  /** An upload became a whole file. */
  public void stored() {
    stored.increment();
  }

  /** An upload was refused, by the database or for its content. */
  public void refused() {
    refused.increment();
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

  /** The virus scanner did not look at a file: it is away or too slow, or the file is too large. */
  void unscanned() {
    unscanned.increment();
  }

  public long uploadsStored() {
    return stored.sum();
  }

  public long uploadsRefused() {
    return refused.sum();
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

  public long scansFailed() {
    return unscanned.sum();
  }
}
