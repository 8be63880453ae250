package com.gptdesk.chat.service.http;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that a certificate was renewed. It reads the files instead of watching them: what mounts
 * secrets replaces a link somewhere above them, which nobody is told of. One virtual thread owns
 * the state.
 */
public final class TlsRenewal implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TlsRenewal.class);
  private static final long SECONDS_BETWEEN_LOOKS = 2;

  private final Vertx vertx;
  private final TlsFiles files;
  private final Consumer<TlsCertificate> taken;
  private final CountDownLatch closing = new CountDownLatch(1);
  private TlsCertificate shown;
  private @Nullable String trouble;
  private @Nullable String toldTrouble;

  /**
   * Makes one that does nothing until {@link #start}.
   *
   * @param shown the certificate that is shown now
   * @param taken is handed each other one, and returns when it is shown
   */
  public TlsRenewal(
      Vertx vertx, TlsFiles files, TlsCertificate shown, Consumer<TlsCertificate> taken) {
    this.vertx = vertx;
    this.files = files;
    this.shown = shown;
    this.taken = taken;
  }

  public void start() {
    Thread.ofVirtual().name("tls-renewal").start(this::run);
  }

  private void run() {
    try {
      while (!closing.await(SECONDS_BETWEEN_LOOKS, TimeUnit.SECONDS)) {
        look();
      }
    } catch (InterruptedException e) {
      LOG.debug("The certificate is not looked at any longer");
    }
  }

  private void look() {
    try {
      if (!shown.isIn(files)) {
        TlsCertificate renewed = TlsCertificate.read(vertx, files);
        taken.accept(renewed);
        shown = renewed;
        LOG.info("The certificate was renewed: {}", renewed);
      }
      trouble = null;
      toldTrouble = null;
    } catch (IOException | RuntimeException e) {
      tell(String.valueOf(e.getMessage()));
    }
  }

  /** Once, and only what is seen twice: the two files are not replaced in the same moment. */
  private void tell(String now) {
    if (now.equals(trouble) && !now.equals(toldTrouble)) {
      LOG.warn("{} Until then clients are shown the last good one: {}", now, shown);
      toldTrouble = now;
    }
    trouble = now;
  }

  @Override
  public void close() {
    closing.countDown();
  }
}
