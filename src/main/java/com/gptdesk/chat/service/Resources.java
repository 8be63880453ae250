package com.gptdesk.chat.service;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The resources of a service. Any thread may close them, even while more are being opened. */
final class Resources implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Resources.class);

  /** The resources, the last one opened first. */
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private boolean closed;

  <T> T opened(T resource, Closing<T> closing) {
    keep(() -> closing.close(resource));
    return resource;
  }

  /** How to close something that is not AutoCloseable. */
  @FunctionalInterface
  interface Closing<T> {
    void close(T resource) throws Exception;
  }

  <T extends AutoCloseable> T opened(T resource) {
    keep(resource);
    return resource;
  }

  /** Registers a resource. After {@link #close} it is closed at once, and the start fails. */
  private void keep(AutoCloseable resource) {
    synchronized (open) {
      if (!closed) {
        open.push(resource);
        return;
      }
    }
    close(resource);
    throw new IllegalStateException("The service was stopped while it started.");
  }

  /** Closes the resources in reverse order: no new requests, then the relay, then the database. */
  @Override
  public void close() {
    while (true) {
      AutoCloseable resource;
      synchronized (open) {
        closed = true;
        if (open.isEmpty()) {
          return;
        }
        resource = open.pop();
      }
      close(resource);
    }
  }

  private static void close(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      LOG.warn("{} did not stop cleanly", resource, e);
    }
  }
}
