package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.StoreUnavailable;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.files.Thumbnail;
import com.gptdesk.chat.service.http.CallGuard;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RequestLimits;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The API of Supabase Storage with one bucket, {@code attachments}, whose folders are
 * conversations. The database decides each step; this class knows addresses and answers.
 *
 * <p>Blocks while bytes and the database are waited for, so call it on a virtual thread.
 * Thread-safe.
 */
public final class StorageEndpoint {
  /** The prefix of all its addresses. */
  public static final String PREFIX = "/storage/v1";

  private static final JsonMapper JSON = JsonMapper.shared();
  static final String BUCKET = "attachments";
  private static final Duration UPLOAD_ADDRESS_LIFE = Duration.ofHours(2);
  private static final long LONGEST_ADDRESS_LIFE = Duration.ofDays(365).toSeconds();
  private static final int MOST_LISTED = 200;
  private static final int MOST_NAMED = 1000;

  private final CallGuard guard;
  private final FileRecords records;
  private final SignedAddresses addresses;
  private final FileSettings settings;
  private final Uploads uploads;
  private final ResumableUploads resumable;
  private final Downloads downloads;

  /**
   * @param secret signs addresses; null for a random one
   * @param enabled false answers every request with 503 and says why
   */
  public StorageEndpoint(
      FileRecords records,
      ObjectStore store,
      FileSettings settings,
      FileCounts counts,
      @Nullable String secret,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled) {
    this(records, store, settings, counts, secret, tokens, limits, enabled, Clock.systemUTC());
  }

  StorageEndpoint(
      FileRecords records,
      ObjectStore store,
      FileSettings settings,
      FileCounts counts,
      @Nullable String secret,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled,
      Clock clock) {
    this.guard = new CallGuard(tokens, limits, enabled);
    this.records = records;
    this.settings = settings;
    this.addresses = new SignedAddresses(secret, clock);
    this.uploads = new Uploads(records, store, settings, counts);
    this.resumable = new ResumableUploads(BUCKET, records, store, uploads, addresses, PREFIX);
    this.downloads = new Downloads(store, settings, counts, clock);
  }

  /** Whether these are addresses of resumable uploads. */
  public static boolean isResumable(String path) {
    return path.startsWith(PREFIX + ResumableUploads.ADDRESS);
  }

  /** What resumable uploads can do, as OPTIONS tells it. */
  public static Map<String, String> resumableAbilities() {
    return ResumableUploads.abilities();
  }

  /** Answers a request. Never throws: errors are in the reply, and faults in the log as well. */
  public StorageReply answer(StorageRequest request) {
    boolean isResumable = request.isUnder(ResumableUploads.ADDRESS);
    return guard.answer(
        request.label(),
        request.header("Authorization"),
        request.header("apikey"),
        identity -> {
          try {
            return isResumable
                ? resumable.answer(request, identity).with(Map.of("Tus-Resumable", "1.0.0"))
                : perform(request, identity);
          } catch (StoreUnavailable e) {
            throw StorageErrors.storeUnavailable(e).stop();
          } catch (IOException e) {
            throw uploads.failed(e);
          }
        },
        problem ->
            isResumable
                ? StorageErrors.resumable(problem).with(Map.of("Tus-Resumable", "1.0.0"))
                : StorageErrors.reply(problem));
  }

  private StorageReply perform(StorageRequest request, Identity identity) throws IOException {
    String[] parts = request.path().split("/", 4); // "", the kind, what is done or the bucket, rest
    String second = parts.length > 2 ? parts[2] : "";
    String rest = parts.length > 3 ? parts[3] : "";
    if (parts.length > 1 && parts[1].equals("bucket")) {
      return bucket(request, identity, second);
    }
    if (parts.length > 1 && parts[1].equals("render") && second.equals("image")) {
      return rendered(request, identity, rest);
    }
    if (parts.length < 3 || !parts[1].equals("object")) {
      throw notHere(request);
    }
    return switch (second) {
      case "sign" -> signed(request, identity, rest);
      case "upload" -> {
        if (!rest.startsWith("sign/")) {
          throw notHere(request);
        }
        yield signedUpload(request, identity, rest.substring("sign/".length()));
      }
      case "authenticated" -> read(request, identity, inBucket(rest));
      case "public" -> readPublic(request, inBucket(rest));
      case "info" -> info(request, identity, rest);
      case "list" -> list(request, identity, rest);
      case "list-v2" -> listPages(request, identity, rest);
      case "move" -> move(request, identity);
      case "copy" ->
          throw Problem.of(409, "NotSupported", "Copies are not supported")
              .withHint("Upload the file again")
              .stop();
      default -> {
        requireBucket(second);
        yield switch (request.method()) {
          case "GET", "HEAD" -> read(request, identity, rest);
          case "POST" ->
              upload(
                  request, identity.caller(), ObjectPath.wanted(rest), request.isTrue("x-upsert"));
          case "PUT" -> upload(request, identity.caller(), ObjectPath.wanted(rest), true);
          case "DELETE" ->
              rest.isEmpty() ? removeAll(request, identity) : removeOne(identity, rest);
          default -> throw notHere(request);
        };
      }
    };
  }

  private static Problem.Stop notHere(StorageRequest request) {
    return Problem.of(
            404, "NoSuchRoute", "Route %s:%s not found".formatted(request.method(), request.path()))
        .stop();
  }

  private static void requireMethod(StorageRequest request, String method) {
    if (!request.method().equals(method)) {
      throw notHere(request);
    }
  }

  private static void requireBucket(String name) {
    if (!name.equals(BUCKET)) {
      throw StorageErrors.noSuchBucket().stop();
    }
  }

  /** What follows the bucket's name in a path. */
  private static String inBucket(String path) {
    String[] parts = path.split("/", 2);
    requireBucket(parts[0]);
    return parts.length == 1 ? "" : parts[1];
  }

  // Buckets

  private StorageReply bucket(StorageRequest request, Identity identity, String name) {
    if (!request.reads()) {
      throw StorageErrors.denied("The bucket is fixed").stop();
    }
    if (identity.isAnonymous()) {
      throw StorageErrors.noSuchBucket().stop();
    }
    if (name.isEmpty()) {
      return StorageReply.json(200, JSON.createArrayNode().add(bucket()));
    }
    requireBucket(name);
    return StorageReply.json(200, bucket());
  }

  private ObjectNode bucket() {
    FileRecords.Limits limits = records.limits();
    ObjectNode bucket = JSON.createObjectNode();
    bucket.put("id", BUCKET).put("name", BUCKET).put("owner", "").put("type", "STANDARD");
    bucket.put("public", settings.isPublic());
    bucket.put("file_size_limit", limits.maxBytes());
    bucket.set("allowed_mime_types", JSON.valueToTree(limits.types()));
    return bucket;
  }

  // Uploads

  private StorageReply upload(
      StorageRequest request, Caller caller, ObjectPath path, boolean upsert) throws IOException {
    if (caller.role().equals(Caller.Role.ANON)) { // before anything is read of a form
      throw StorageErrors.denied("Only persons upload files").stop();
    }
    UploadBody body = UploadBody.of(request);
    StoredFile stored =
        uploads.store(
            caller,
            new FileRecords.Wanted(
                path.conversation(),
                path.name(),
                body.length(),
                body.type(),
                body.metadata(),
                upsert),
            body.content());
    return StorageReply.json(
        200,
        JSON.createObjectNode()
            .put("Id", stored.id().toString())
            .put("Key", BUCKET + "/" + ObjectPath.of(stored)));
  }

  private StorageReply signedUpload(StorageRequest request, Identity identity, String rest)
      throws IOException {
    ObjectPath path = ObjectPath.wanted(inBucket(rest));
    if (request.method().equals("POST")) {
      boolean upsert = request.isTrue("x-upsert");
      records.requireMayBegin(
          identity.caller(),
          new FileRecords.Wanted(
              path.conversation(), path.name(), null, null, JSON.createObjectNode(), upsert));
      String token =
          addresses.sign(
              identity,
              upsert ? SignedAddresses.Use.REPLACE : SignedAddresses.Use.UPLOAD,
              path.toString(),
              UPLOAD_ADDRESS_LIFE);
      return StorageReply.json(
          200,
          JSON.createObjectNode()
              .put("url", "/object/upload/sign/" + encoded(path) + "?token=" + token)
              .put("token", token));
    }
    requireMethod(request, "PUT");
    SignedAddresses.Signed signed =
        addresses.verify(
            request.query().get("token"),
            path.toString(),
            SignedAddresses.Use.UPLOAD,
            SignedAddresses.Use.REPLACE);
    return upload(request, signed.caller(), path, signed.use() == SignedAddresses.Use.REPLACE);
  }

  // Reads

  private StoredFile find(Caller caller, String path) {
    ObjectPath wanted = ObjectPath.existing(StorableText.of(path));
    StoredFile file = records.find(caller, wanted.conversation(), wanted.name());
    if (file == null) {
      throw StorageErrors.noSuchObject().stop();
    }
    return file;
  }

  private StorageReply read(StorageRequest request, Identity identity, String path)
      throws IOException {
    if (!request.reads()) {
      throw notHere(request);
    }
    return downloads.answer(request, find(identity.caller(), path), new Downloads.Access.Own());
  }

  private StorageReply readPublic(StorageRequest request, String path) throws IOException {
    if (!request.reads()) {
      throw notHere(request);
    }
    return downloads.answer(request, findPublic(path), new Downloads.Access.Public());
  }

  private StoredFile findPublic(String path) {
    if (!settings.isPublic()) {
      throw StorageErrors.noSuchBucket().stop();
    }
    return find(Caller.service(), path);
  }

  /** A picture in about the size that is asked for. */
  private StorageReply rendered(StorageRequest request, Identity identity, String rest)
      throws IOException {
    if (!request.reads()) {
      throw notHere(request);
    }
    String[] parts = rest.split("/", 2);
    String path = inBucket(parts.length == 1 ? "" : parts[1]);
    return switch (parts[0]) {
      case "authenticated" ->
          downloads.answer(
              request,
              find(identity.caller(), path),
              Transform.of(request.query()),
              new Downloads.Access.Own());
      case "public" ->
          downloads.answer(
              request,
              findPublic(path),
              Transform.of(request.query()),
              new Downloads.Access.Public());
      case "sign" -> {
        SignedAddresses.Signed signed =
            addresses.verify(request.query().get("token"), path, SignedAddresses.Use.RENDER);
        yield downloads.answer(
            request,
            find(signed.caller(), path),
            Transform.of(String.valueOf(signed.transform())),
            new Downloads.Access.BySignature(signed.expires()));
      }
      default -> throw notHere(request);
    };
  }

  private StorageReply info(StorageRequest request, Identity identity, String rest) {
    requireMethod(request, "GET");
    String plain = rest.startsWith("authenticated/") ? rest.substring(14) : rest;
    StoredFile file = find(identity.caller(), inBucket(plain));
    ObjectNode info = JSON.createObjectNode();
    info.put("id", file.id().toString()).put("version", file.id().toString());
    info.put("name", ObjectPath.of(file).toString()).put("bucket_id", BUCKET);
    info.put("size", file.length()).put("content_type", file.type());
    info.put("cache_control", "max-age=" + UserMetadata.cacheSeconds(file));
    info.put("etag", '"' + String.valueOf(file.sha256()) + '"');
    info.put("created_at", file.created().toString());
    info.put("last_modified", file.updated().toString());
    ObjectNode metadata = UserMetadata.without(file.metadata());
    metadata.setAll(Thumbnail.without(file.details()));
    info.set("metadata", metadata);
    return StorageReply.json(200, info);
  }

  // Signed addresses

  private StorageReply signed(StorageRequest request, Identity identity, String rest)
      throws IOException {
    String path = inBucket(rest);
    if (request.reads()) {
      SignedAddresses.Signed signed =
          addresses.verify(request.query().get("token"), path, SignedAddresses.Use.READ);
      return downloads.answer(
          request, find(signed.caller(), path), new Downloads.Access.BySignature(signed.expires()));
    }
    requireMethod(request, "POST");
    ObjectNode body = request.json();
    Duration life = Duration.ofSeconds(expiresIn(body));
    if (!path.isEmpty()) {
      ObjectPath found = ObjectPath.of(find(identity.caller(), path));
      Transform transform = Transform.of(body.path("transform"));
      return StorageReply.json(
          200,
          JSON.createObjectNode()
              .put(
                  "signedURL",
                  transform == null
                      ? sign(identity, found, life)
                      : signRendered(identity, found, transform, life)));
    }
    return StorageReply.json(200, signAll(identity, texts(body, "paths"), life));
  }

  private ArrayNode signAll(Identity identity, List<String> paths, Duration life) {
    Set<ObjectPath> wanted = new LinkedHashSet<>();
    for (String path : paths) {
      ObjectPath one = ObjectPath.of(path);
      if (one != null) {
        wanted.add(one);
      }
    }
    Set<ObjectPath> found =
        records
            .find(
                identity.caller(),
                wanted.stream()
                    .map(each -> new FileRecords.Place(each.conversation(), each.name()))
                    .toList())
            .stream()
            .map(ObjectPath::of)
            .collect(Collectors.toSet());
    ArrayNode signed = JSON.createArrayNode();
    for (String path : paths) {
      ObjectNode one = signed.addObject().put("path", path);
      ObjectPath known = ObjectPath.of(path);
      if (known != null && found.contains(known)) {
        one.put("signedURL", sign(identity, known, life)).putNull("error");
      } else {
        one.putNull("signedURL")
            .put("error", "Either the object does not exist or you do not have access to it");
      }
    }
    return signed;
  }

  private String sign(Identity identity, ObjectPath found, Duration life) {
    return "/object/sign/%s?token=%s"
        .formatted(
            encoded(found),
            addresses.sign(identity, SignedAddresses.Use.READ, found.toString(), life));
  }

  private String signRendered(
      Identity identity, ObjectPath found, Transform transform, Duration life) {
    return "/render/image/sign/%s?token=%s"
        .formatted(
            encoded(found),
            addresses.sign(
                identity,
                SignedAddresses.Use.RENDER,
                found.toString(),
                transform.toString(),
                life));
  }

  /** The client encodes the address that it gets, but not these. */
  private static String encoded(ObjectPath path) {
    return BUCKET + "/" + path;
  }

  private static long expiresIn(ObjectNode body) {
    JsonNode seconds = body.path("expiresIn");
    if (!seconds.isIntegralNumber()
        || seconds.asLong() < 1
        || seconds.asLong() > LONGEST_ADDRESS_LIFE) {
      throw StorageErrors.invalid(
              "body/expiresIn must be a whole number from 1 to " + LONGEST_ADDRESS_LIFE)
          .stop();
    }
    return seconds.asLong();
  }

  private static List<String> texts(ObjectNode body, String name) {
    JsonNode list = body.path(name);
    if (!list.isArray() || list.isEmpty() || list.size() > MOST_NAMED) {
      throw StorageErrors.invalid(
              "body/%s must be a list of 1 to %d texts".formatted(name, MOST_NAMED))
          .stop();
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode each : list) {
      if (!each.isString()) {
        throw StorageErrors.invalid("body/" + name + " must be a list of texts").stop();
      }
      texts.add(StorableText.of(each.stringValue()));
    }
    return texts;
  }

  // Lists

  private StorageReply list(StorageRequest request, Identity identity, String rest)
      throws IOException {
    requireMethod(request, "POST");
    requireBucket(rest);
    ObjectNode body = request.json();
    int limit = number(body, "limit", 100, 1, 1000);
    int offset = number(body, "offset", 0, 0, 1_000_000);
    ArrayNode listed = JSON.createArrayNode();
    List<JsonNode> page;
    int wanted;
    do {
      wanted = Math.min(MOST_LISTED, limit - listed.size());
      page = records.list(identity.caller(), listing(body, wanted, offset + listed.size()));
      page.forEach(each -> listed.add(listedObject(each)));
    } while (page.size() == wanted && listed.size() < limit);
    return StorageReply.json(200, listed);
  }

  private static FileRecords.Listing listing(ObjectNode body, int limit, int offset) {
    return new FileRecords.Listing(
        StorableText.of(text(body, "prefix", "").replaceAll("^/+|/+$", "")),
        StorableText.of(text(body, "search", "")),
        limit,
        offset,
        column(body),
        text(body.path("sortBy"), "order", "asc").equalsIgnoreCase("desc"));
  }

  /** Nobody keeps when a file was last read. */
  private static String column(ObjectNode body) {
    String column = text(body.path("sortBy"), "column", "name");
    return column.equals("last_accessed_at") ? "updated_at" : column;
  }

  private static ObjectNode listedObject(JsonNode listed) {
    ObjectNode object = JSON.createObjectNode();
    object.set("name", listed.get("name"));
    for (String column : List.of("id", "updated_at", "created_at")) {
      object.set(column, listed.path(column).isMissingNode() ? null : listed.get(column));
    }
    if (!listed.has("id")) {
      return object.putNull("last_accessed_at").putNull("metadata");
    }
    object.set("last_accessed_at", listed.get("updated_at"));
    ObjectNode metadata = object.putObject("metadata");
    metadata.put("eTag", '"' + listed.get("sha256").asString() + '"');
    metadata.set("size", listed.get("size"));
    metadata.set("mimetype", listed.get("content_type"));
    metadata.put("cacheControl", "max-age=" + UserMetadata.cacheSeconds(listed.path("metadata")));
    metadata.set("lastModified", listed.get("updated_at"));
    metadata.set("contentLength", listed.get("size"));
    metadata.put("httpStatusCode", 200);
    metadata.setAll(Thumbnail.without((ObjectNode) listed.get("details")));
    return object;
  }

  /** The second form of the list: pages by a cursor, folders apart. */
  private StorageReply listPages(StorageRequest request, Identity identity, String rest)
      throws IOException {
    requireMethod(request, "POST");
    requireBucket(rest);
    ObjectNode body = request.json();
    int limit = number(body, "limit", MOST_LISTED, 1, MOST_LISTED);
    String cursor = text(body, "cursor", "0");
    if (!cursor.matches("\\d{1,7}")) {
      throw StorageErrors.invalid("body/cursor is not one of this list").stop();
    }
    int offset = Integer.parseInt(cursor);
    String folder = text(body, "prefix", "").replaceAll("^/+|/+$", "");
    List<JsonNode> page = records.list(identity.caller(), listing(body, limit, offset));
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode folders = answer.putArray("folders");
    ArrayNode objects = answer.putArray("objects");
    for (JsonNode each : page) {
      String key = (folder.isEmpty() ? "" : folder + "/") + each.get("name").asString();
      if (each.has("id")) {
        objects.add(listedObject(each).put("key", key).put("name", key));
      } else {
        folders.addObject().put("key", key).put("name", key + "/");
      }
    }
    boolean more = page.size() == limit;
    answer.put("hasNext", more);
    if (more) {
      answer.put("nextCursor", String.valueOf(offset + limit));
    }
    return StorageReply.json(200, answer);
  }

  private static String text(JsonNode object, String name, String otherwise) {
    JsonNode value = object.path(name);
    return value.isString() ? value.stringValue() : otherwise;
  }

  private static int number(ObjectNode body, String name, int otherwise, int least, int most) {
    JsonNode value = body.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return otherwise;
    }
    if (!value.isInt() || value.intValue() < least || value.intValue() > most) {
      throw StorageErrors.invalid(
              "body/%s must be a whole number from %d to %d".formatted(name, least, most))
          .stop();
    }
    return value.intValue();
  }

  // Changes

  private StorageReply move(StorageRequest request, Identity identity) throws IOException {
    requireMethod(request, "POST");
    ObjectNode body = request.json();
    requireBucket(text(body, "bucketId", ""));
    requireBucket(text(body, "destinationBucket", BUCKET));
    ObjectPath from = ObjectPath.existing(StorableText.of(text(body, "sourceKey", "")));
    ObjectPath to = ObjectPath.wanted(text(body, "destinationKey", ""));
    if (!from.conversation().equals(to.conversation())) {
      throw StorageErrors.denied("A file stays in its conversation").stop();
    }
    records.move(identity.caller(), from.conversation(), from.name(), to.name());
    return StorageReply.json(200, JSON.createObjectNode().put("message", "Successfully moved"));
  }

  private StorageReply removeAll(StorageRequest request, Identity identity) throws IOException {
    Map<UUID, List<String>> names = new LinkedHashMap<>();
    for (String path : texts(request.json(), "prefixes")) {
      ObjectPath wanted = ObjectPath.of(path);
      if (wanted != null) {
        names.computeIfAbsent(wanted.conversation(), none -> new ArrayList<>()).add(wanted.name());
      }
    }
    ArrayNode removed = JSON.createArrayNode();
    names.forEach(
        (conversation, each) -> {
          for (StoredFile file : records.remove(identity.caller(), conversation, each)) {
            removed.add(removedObject(file));
          }
        });
    return StorageReply.json(200, removed);
  }

  private static ObjectNode removedObject(StoredFile file) {
    ObjectNode object = JSON.createObjectNode();
    object.put("name", ObjectPath.of(file).toString());
    object.put("id", file.id().toString()).put("bucket_id", BUCKET);
    object.put("owner", file.uploader().toString());
    object.put("version", file.id().toString());
    object.put("created_at", file.created().toString());
    object.put("updated_at", file.updated().toString());
    object.put("last_accessed_at", file.updated().toString());
    object.putObject("metadata").put("size", file.length()).put("mimetype", file.type());
    return object;
  }

  private StorageReply removeOne(Identity identity, String path) {
    ObjectPath wanted = ObjectPath.existing(StorableText.of(path));
    if (records
        .remove(identity.caller(), wanted.conversation(), List.of(wanted.name()))
        .isEmpty()) {
      throw StorageErrors.noSuchObject().stop();
    }
    return StorageReply.json(200, JSON.createObjectNode().put("message", "Successfully deleted"));
  }
}
