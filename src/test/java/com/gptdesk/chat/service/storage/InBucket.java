package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.FaultyWire;
import com.gptdesk.chat.service.files.FaultyWire.Fault;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FullDisk;
import com.gptdesk.chat.service.files.S3Server;
import com.gptdesk.chat.service.files.S3Store;
import com.gptdesk.chat.testing.Await;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A bucket behind a wire that a test breaks, for the tests that run with files there, too. */
final class InBucket implements AutoCloseable {
  static final Duration TIMEOUT = Await.PATIENCE;

  private final S3Server server = new S3Server();
  private final FaultyWire wire;
  private S3Store store;

  InBucket() {
    try {
      wire = new FaultyWire(server.address());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** The store that the service uses. */
  S3Store store(FullDisk disk, FileCounts counts) {
    store = new S3Store(disk, S3Server.settings(wire.address(), false, TIMEOUT), counts);
    return store;
  }

  S3Store store() {
    return store;
  }

  /** Where the wire begins. */
  URI address() {
    return wire.address();
  }

  /** Where the bucket is, past the wire. */
  URI direct() {
    return server.address();
  }

  void breaks(Fault fault) throws IOException {
    wire.breaks(fault);
  }

  List<String> keys() {
    return server.keys();
  }

  /** What is on the disk and in the bucket. */
  List<String> kept(List<String> onDisk) {
    List<String> all = new ArrayList<>(onDisk);
    all.addAll(server.keys());
    return all;
  }

  byte[] bytesOf(UUID id) throws IOException {
    return server.bytes(id.toString());
  }

  @Override
  public void close() throws IOException {
    store.close();
    wire.close();
    server.close();
  }
}
