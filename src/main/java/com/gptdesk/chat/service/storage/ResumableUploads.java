package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.files.FileBusy;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.IncomingFile;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.http.HttpDate;
import com.gptdesk.chat.service.http.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Resumable uploads by TUS 1.0.0, with the extensions creation, creation-with-upload, termination
 * and expiration. The offset is the length of what is on the disk, so it survives every crash.
 */
final class ResumableUploads {
  static final String ADDRESS = "/upload/resumable";
  private static final String SIGNED = ADDRESS + "/sign";
  private static final String VERSION = "1.0.0";
  private static final String CONTENT = "application/offset+octet-stream";

  private final String bucket;
  private final FileRecords records;
  private final ObjectStore store;
  private final Uploads uploads;
  private final SignedAddresses addresses;
  private final String prefix;

  /**
   * @param prefix of the addresses of this API
   */
  ResumableUploads(
      String bucket,
      FileRecords records,
      ObjectStore store,
      Uploads uploads,
      SignedAddresses addresses,
      String prefix) {
    this.bucket = bucket;
    this.records = records;
    this.store = store;
    this.uploads = uploads;
    this.addresses = addresses;
    this.prefix = prefix;
  }

  /** What the server can do, for OPTIONS. */
  static Map<String, String> abilities() {
    return Map.of(
        "Tus-Resumable",
        VERSION,
        "Tus-Version",
        VERSION,
        "Tus-Extension",
        "creation,creation-with-upload,termination,expiration");
  }

  StorageReply answer(StorageRequest request, Identity identity) throws IOException {
    if (!VERSION.equals(request.header("Tus-Resumable"))) {
      throw Problem.of(412, "TusError", "Tus-Resumable Required")
          .withHeader("Tus-Version", VERSION)
          .stop();
    }
    boolean signed = request.isUnder(SIGNED);
    String address = signed ? SIGNED : ADDRESS;
    String id = request.path().substring(address.length()).replaceAll("^/|/$", "");
    if (request.method().equals("POST") && id.isEmpty()) {
      return create(request, identity, signed, prefix + address);
    }
    StoredFile file = existing(request, identity, signed, id);
    return switch (request.method()) {
      case "HEAD" -> state(file);
      case "PATCH" -> append(request, file);
      case "DELETE" -> end(file);
      default ->
          throw Problem.of(405, "TusError", "Unsupported HTTP method: " + request.method()).stop();
    };
  }

  private StorageReply create(
      StorageRequest request, Identity identity, boolean signed, String address)
      throws IOException {
    long length = number(request, "Upload-Length");
    Map<String, String> metadata = metadata(request.header("Upload-Metadata"));
    if (!bucket.equals(metadata.get("bucketName"))) {
      throw StorageErrors.noSuchBucket().stop();
    }
    ObjectPath path = ObjectPath.wanted(metadata.getOrDefault("objectName", ""));
    Caller caller = identity.caller();
    boolean upsert = request.isTrue("x-upsert");
    if (signed) {
      SignedAddresses.Signed signature = signature(request, path);
      caller = signature.caller();
      upsert = signature.use() == SignedAddresses.Use.REPLACE;
    }
    StoredFile begun =
        uploads.begin(
            caller,
            new FileRecords.Wanted(
                path.conversation(),
                path.name(),
                length,
                metadata.get("contentType"),
                UserMetadata.of(metadata.get("metadata"), metadata.get("cacheControl")),
                upsert));
    Map<String, String> headers = headers(begun);
    headers.put("Location", address + "/" + begun.id());
    if (length == 0 || CONTENT.equals(request.header("Content-Type"))) {
      headers.put("Upload-Offset", String.valueOf(receive(request, begun, 0)));
    }
    return StorageReply.empty(201, headers);
  }

  /** The upload of that id, which is the caller's. */
  private StoredFile existing(
      StorageRequest request, Identity identity, boolean signed, String id) {
    Caller caller = identity.caller();
    if (signed) {
      caller = addresses.signer(request.header("x-signature"));
    }
    StoredFile file = isId(id) ? records.find(caller, UUID.fromString(id)) : null;
    if (file == null || file.size() == null) { // none, or one that is no resumable upload
      throw Problem.of(404, "NoSuchUpload", "Upload not found").stop();
    }
    if (signed) {
      signature(request, ObjectPath.of(file));
    }
    return file;
  }

  static boolean isId(String text) {
    return text.matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  }

  private SignedAddresses.Signed signature(StorageRequest request, ObjectPath path) {
    return addresses.verify(
        request.header("x-signature"),
        path.toString(),
        SignedAddresses.Use.UPLOAD,
        SignedAddresses.Use.REPLACE);
  }

  private StorageReply state(StoredFile file) throws IOException {
    Map<String, String> headers = headers(file);
    headers.put("Cache-Control", "no-store");
    headers.put("Upload-Length", String.valueOf(file.length()));
    headers.put("Upload-Offset", String.valueOf(offset(file)));
    return StorageReply.empty(200, headers);
  }

  /**
   * What is on the disk. When that is all, the end was interrupted: clients take this offset for
   * success, so the file is stored before it is told.
   */
  private long offset(StoredFile file) throws IOException {
    if (file.stored()) {
      return file.length();
    }
    long arrived = store.arrived(file.id());
    if (arrived == file.length()) {
      try (IncomingFile whole = open(file)) {
        if (whole.size() != file.length()) {
          throw conflict(whole.size());
        }
        finish(file, whole);
      }
    }
    return arrived;
  }

  private StorageReply append(StorageRequest request, StoredFile file) {
    if (!CONTENT.equals(request.header("Content-Type"))) {
      throw Problem.of(415, "TusError", "Content-Type must be " + CONTENT).stop();
    }
    long offset = number(request, "Upload-Offset");
    if (file.stored() && offset != file.length()) {
      throw conflict(file.length());
    }
    Map<String, String> headers = headers(file);
    headers.put(
        "Upload-Offset", String.valueOf(file.stored() ? offset : receive(request, file, offset)));
    return StorageReply.empty(204, headers);
  }

  /** Appends the body there, stores the file when it is whole, and returns the new offset. */
  private long receive(StorageRequest request, StoredFile begun, long offset) {
    try (IncomingFile file = open(begun)) {
      if (file.size() != offset) {
        throw conflict(file.size());
      }
      try {
        uploads.receive(file, request.body(), begun.length());
      } catch (Problem.Stop e) {
        uploads.refused(e);
        throw e;
      }
      if (file.size() == begun.length()) {
        finish(begun, file);
      }
      return file.size();
    } catch (IOException e) {
      throw uploads.failed(e);
    }
  }

  private void finish(StoredFile begun, IncomingFile file) throws IOException {
    try {
      uploads.finish(begun, file);
    } catch (Problem.Stop e) {
      uploads.refused(e);
      if (e.problem().status() != 503) { // what the scanner did not see yet is asked for again
        uploads.discard(begun, file);
      }
      throw e;
    } catch (Refusal e) {
      uploads.refused(e);
      uploads.discard(begun, file);
      throw e;
    }
  }

  private IncomingFile open(StoredFile file) throws IOException {
    try {
      return store.isWhole(file.id()) ? store.whole(file.id()) : store.write(file.id());
    } catch (FileBusy e) {
      throw StorageErrors.busy().stop();
    }
  }

  private StorageReply end(StoredFile file) throws IOException {
    if (file.stored()) {
      throw StorageErrors.denied("The upload is finished; remove the object in place of it").stop();
    }
    try (IncomingFile begun = open(file)) {
      uploads.discard(file, begun);
    }
    return StorageReply.empty(204, Map.of("Tus-Resumable", VERSION));
  }

  private static Problem.Stop conflict(long offset) {
    return Problem.of(409, "TusError", "Upload-Offset conflict")
        .withHeader("Upload-Offset", String.valueOf(offset))
        .stop();
  }

  private Map<String, String> headers(StoredFile file) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Tus-Resumable", VERSION);
    if (!file.stored()) {
      headers.put(
          "Upload-Expires", HttpDate.of(file.created().plus(records.limits().unfinished())));
    }
    return headers;
  }

  private static long number(StorageRequest request, String header) {
    String text = request.header(header);
    if (text == null || !text.matches("\\d{1,18}")) {
      throw Problem.of(400, "TusError", header + " must be a whole number").stop();
    }
    return Long.parseLong(text);
  }

  /** {@code name base64, name base64}. */
  static Map<String, String> metadata(@Nullable String header) {
    Map<String, String> metadata = new HashMap<>();
    for (String pair : header == null ? new String[0] : header.split(",", -1)) {
      String[] parts = pair.strip().split(" +", 2);
      try {
        metadata.put(
            parts[0],
            parts.length == 1
                ? ""
                : new String(Base64.getDecoder().decode(parts[1].strip()), StandardCharsets.UTF_8));
      } catch (IllegalArgumentException e) {
        throw Problem.of(400, "TusError", "Upload-Metadata is invalid").stop();
      }
    }
    return metadata;
  }
}
