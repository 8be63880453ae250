package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.files.DiskStore;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.FileSweeper;
import com.gptdesk.chat.service.files.ScannerSettings;
import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A service with files in a folder and a database of its own, for tests over a real socket. */
public final class FilesService implements AutoCloseable {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final long MOST_PIXELS = 100_000_000;

  public final TestDatabase database = TestDatabase.fresh();
  public final FileCounts counts = new FileCounts();
  public final int port;
  private final Path folder;
  private final DiskStore store;
  private final FileSweeper sweeper;
  private final Vertx vertx = Vertx.vertx();
  private final Metrics metrics = new Metrics("a token for metrics");
  private final HttpClient http = HttpClient.newHttpClient();
  private final HttpService service;

  /**
   * Starts it.
   *
   * @param isPublic whether files are read without a token
   */
  public FilesService(
      Path folder,
      boolean isPublic,
      ThumbnailSettings thumbnails,
      @Nullable ScannerSettings scanner)
      throws IOException {
    this.folder = folder;
    this.store = new DiskStore(folder, 0);
    FileRecords records = new FileRecords(database.chat());
    this.sweeper = new FileSweeper(records, store, counts, Duration.ofDays(1));
    TokenVerifier tokens = new TokenVerifier(TokenSettings.ofSecret(SECRET));
    FileSettings settings =
        new FileSettings(
            folder,
            0,
            Duration.ofDays(1),
            MOST_PIXELS,
            false,
            isPublic,
            false,
            null,
            null,
            thumbnails,
            scanner);
    StorageEndpoint endpoint =
        new StorageEndpoint(
            records, store, settings, counts, SECRET, tokens, RequestLimits.ample(), true);
    this.service =
        EchoService.of(
            vertx,
            new HttpSettings(
                "127.0.0.1",
                0,
                null,
                RequestBounds.defaults(),
                List.of(),
                Cors.all(),
                TrustedProxies.none(),
                null),
            RequestLimits.ample(),
            tokens,
            endpoint,
            metrics);
    this.port = service.start();
  }

  public static String token(UUID person) {
    return new TokenIssuer(SECRET).forUser(person, Duration.ofHours(1));
  }

  StorageClient client(@Nullable Person person) {
    return new StorageClient(http, port, person == null ? null : token(person.id()));
  }

  /** Removes the bytes of what is gone, whatever is to wait. */
  void sweep() {
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
  }

  /** The files that have bytes on the disk, whole or not. */
  public List<Path> onDisk() throws IOException {
    try (Stream<Path> there = Files.walk(folder)) {
      return there.filter(Files::isRegularFile).toList();
    }
  }

  @Override
  public void close() throws TimeoutException {
    service.close();
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    http.close();
    metrics.close();
    database.close();
  }
}
