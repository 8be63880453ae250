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
 * Notices that a certificate was renewed. It reads the files instead of watching them, since
 * mounted secrets are replaced by changing a link above them. One virtual thread owns the state.
 */
public final class TlsRenewal implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TlsRenewal.class);
  private static final long SECONDS_BETWEEN_LOOKS = 2;

  private final Vertx vertx;
  private final TlsFiles files;
  private final Consumer<TlsCertificate> taken;
  private final CountDownLatch closing = new CountDownLatch(1);
  private TlsCertificate shown;
  private @Nullable String problem;
  private @Nullable String loggedProblem;

  /**
   * Creates one that does nothing until {@link #start}.
   *
   * @param shown the certificate in use
   * @param taken receives each new one, and returns when it is in use
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
      LOG.debug("Certificate renewals are no longer noticed");
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
      problem = null;
      loggedProblem = null;
    } catch (IOException | RuntimeException e) {
      logProblem(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Logs a problem once, and only when it is seen twice, since the two files are not replaced at
   * the same moment.
   */
  private void logProblem(String now) {
    if (now.equals(problem) && !now.equals(loggedProblem)) {
      LOG.warn("{} Until then the last valid certificate stays in use: {}", now, shown);
      loggedProblem = now;
    }
    problem = now;
  }

  @Override
  public void close() {
    closing.countDown();
  }
}
