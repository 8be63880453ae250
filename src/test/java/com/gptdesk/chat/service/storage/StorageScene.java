package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.FileSweeper;
import com.gptdesk.chat.service.files.FullDisk;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * A service with files over a real socket, people who use it, and a clock that a test sets. Its
 * subclasses are the tests of one kind each.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class StorageScene {
  static final String SECRET = "a secret that is at least 32 bytes long";
  static final byte[] TEXT = "0123456789".getBytes(StandardCharsets.UTF_8);
  static final String OFFSET_TYPE = "application/offset+octet-stream";

  /** How long a request to the strict service may take to arrive. */
  static final Duration ARRIVAL = Duration.ofSeconds(5);

  @TempDir static Path folder;
  static final AtomicReference<Instant> NOW = new AtomicReference<>(Instant.now());
  static TestDatabase database;
  static FullDisk disk;
  static ObjectStore store;
  static FileCounts counts;
  static TokenVerifier tokens;
  static FileRecords records;
  static FileSweeper sweeper;
  static Vertx vertx;
  static HttpService service;
  static HttpService strict;
  static HttpClient http;
  static Metrics metrics;
  static int port;
  static int strictPort;
  static StorageClient alice;
  static StorageClient bob;
  static StorageClient mallory;
  static StorageClient anon;
  static UUID conversation;
  static String chat;

  @BeforeAll
  void start() throws IOException {
    database = TestDatabase.fresh();
    disk = new FullDisk(folder);
    counts = new FileCounts();
    store = store(disk, counts);
    records = new FileRecords(database.chat());
    sweeper = new FileSweeper(records, store, counts, Duration.ofDays(1), clock());
    tokens = new TokenVerifier(TokenSettings.ofSecret(SECRET));
    StorageEndpoint endpoint = endpoint(store);
    vertx = Vertx.vertx();
    metrics = new Metrics("a token for metrics");
    service = service(endpoint, tokens, RequestBounds.defaults());
    RequestBounds usual = RequestBounds.defaults();
    strict =
        service(
            endpoint,
            tokens,
            new RequestBounds(
                usual.maxBodyBytes(), usual.maxHeaderBytes(), usual.maxLineBytes(), ARRIVAL));
    port = service.start();
    strictPort = strict.start();
    http = HttpClient.newHttpClient();
    alice = client(database.alice());
    bob = client(database.bob());
    mallory = client(database.mallory());
    anon = new StorageClient(http, port, null);
    conversation = database.alice().talksTo(database.bob());
    chat = conversation + "/";
  }

  /** Where files are kept, by way of this disk. */
  ObjectStore store(FullDisk disk, FileCounts counts) throws IOException {
    return disk;
  }

  static FullDisk disk() {
    return disk;
  }

  static StorageEndpoint endpoint(ObjectStore store) {
    return new StorageEndpoint(
        records,
        store,
        new FileSettings(
            folder,
            0,
            Duration.ofDays(1),
            1_000_000,
            false,
            false,
            false,
            null,
            null,
            ThumbnailSettings.none(),
            null),
        counts,
        SECRET,
        tokens,
        RequestLimits.ample(),
        true,
        clock());
  }

  static HttpService service(StorageEndpoint endpoint, TokenVerifier tokens, RequestBounds bounds) {
    HttpSettings settings =
        new HttpSettings(
            "127.0.0.1", 0, null, bounds, List.of(), Cors.all(), TrustedProxies.none(), null);
    return EchoService.of(vertx, settings, RequestLimits.ample(), tokens, endpoint, metrics);
  }

  static Clock clock() {
    return new Clock() {
      @Override
      public ZoneOffset getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return NOW.get();
      }
    };
  }

  static StorageClient client(Person person) {
    return new StorageClient(
        http, port, new TokenIssuer(SECRET).forUser(person.id(), Duration.ofHours(1)));
  }

  @AfterAll
  static void stop() throws Exception {
    service.close();
    strict.close();
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    http.close();
    metrics.close();
    database.close();
  }

  @BeforeEach
  void clear() {
    database.asOwner("delete from public.chat_files");
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
  }

  @AfterEach
  void nothingIsLeftBeside() throws IOException {
    disk.fill(false);
    database.asOwner("update chat.settings set max_file_bytes = default, file_types = default");
    NOW.set(Instant.now());
    try (Stream<Path> there = Files.list(folder)) {
      assertEquals(
          List.of("incoming", "objects"),
          there.map(p -> p.getFileName().toString()).sorted().toList());
    }
  }

  /** The bytes of a whole file. */
  byte[] bytesOf(UUID id) throws IOException {
    return Files.readAllBytes(disk.path(id));
  }

  /** What the sweeper does when so much time has passed. */
  static void sweepLater(Duration later) {
    database.asOwner(
        "update public.chat_files set created_at = created_at - interval '%1$d s', updated_at = updated_at - interval '%1$d s'"
            .formatted(later.toSeconds()));
    NOW.updateAndGet(now -> now.plus(later));
    sweeper.sweep();
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
  }

  /** The files that have bytes, whole or not. */
  List<String> kept() throws IOException {
    List<String> names = new ArrayList<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()) {
              names.add(path.getFileName().toString());
            }
            return FileVisitResult.CONTINUE;
          }

          /** Of what the service removes meanwhile. */
          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
    return names;
  }

  static String signed(StorageClient who, String path) {
    return who.post("/object/sign/attachments/" + path, "{\"expiresIn\":60}")
        .json()
        .get("signedURL")
        .asString();
  }

  static Map<String, String> creation(String path, int length) {
    return Map.of("Upload-Length", String.valueOf(length), "Upload-Metadata", metadata(path));
  }

  static String metadata(String path) {
    return "bucketName %s,objectName %s,contentType %s"
        .formatted(base64("attachments"), base64(path), base64("text/plain"));
  }

  static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  static Answer create(String path, int length) {
    return alice.tus("POST", "/upload/resumable", new byte[0], creation(path, length));
  }

  static String address(Answer created) {
    return String.valueOf(created.header("Location")).replaceFirst("^/storage/v1", "");
  }

  static Answer patch(Answer created, long offset, byte[] bytes) {
    return alice.tus(
        "PATCH",
        address(created),
        bytes,
        Map.of("Upload-Offset", String.valueOf(offset), "Content-Type", OFFSET_TYPE));
  }

  static Answer state(Answer created) {
    return alice.tus("HEAD", address(created), new byte[0], Map.of());
  }
}
