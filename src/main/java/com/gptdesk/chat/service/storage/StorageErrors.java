package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.StoreUnavailable;
import com.gptdesk.chat.service.http.Problem;
import java.util.Map;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Problems as Supabase Storage words them: the status stands in the body, and what the client did
 * wrong is answered with 400. Servers' problems and what players and proxies act on keep their
 * status.
 */
final class StorageErrors {
  private static final Logger LOG = LoggerFactory.getLogger(StorageErrors.class);
  private static final JsonMapper JSON = JsonMapper.shared();

  /** A code, no sentence of somebody's own trigger. */
  private static final Pattern REASON = Pattern.compile("[a-z][a-z0-9_]*");

  private StorageErrors() {}

  static Problem noSuchObject() {
    return Problem.of(404, "NoSuchKey", "Object not found");
  }

  static Problem noSuchBucket() {
    return Problem.of(404, "NoSuchBucket", "Bucket not found");
  }

  static Problem invalid(String message) {
    return Problem.of(400, "InvalidRequest", message);
  }

  static Problem invalidKey(String path) {
    return Problem.of(400, "InvalidKey", "Invalid key: " + path)
        .withHint("Paths are <conversation id>/<name>");
  }

  static Problem denied(String message) {
    return Problem.of(403, "AccessDenied", message);
  }

  static Problem diskFull(String message) {
    return Problem.of(507, "InsufficientStorage", message)
        .withHint("Nothing of the file is stored. The operator has to free space")
        .withHeader("Retry-After", "60");
  }

  static Problem storeUnavailable(StoreUnavailable failure) {
    LOG.error("{}: {}", failure.getMessage(), String.valueOf(failure.getCause()));
    return Problem.of(503, "StorageUnavailable", "The store of files does not answer")
        .withHint("Nothing of the file is half there. Try again in a moment")
        .withHeader("Retry-After", "5");
  }

  /** The virus scanner found something in it. */
  static Problem infected() {
    return Problem.of(422, "InfectedFile", "The virus scanner refused this file")
        .withDetails("file_infected")
        .withHint("Nothing of the file is stored");
  }

  /** The virus scanner is away, and only what it has seen is stored. */
  static Problem scannerAway() {
    return Problem.of(503, "ScannerUnavailable", "The file could not be checked for viruses")
        .withDetails("file_unscanned")
        .withHint("Try again in a moment")
        .withHeader("Retry-After", "10");
  }

  /** The same for a file that is never scanned. */
  static Problem tooLargeToScan(long maxBytes) {
    return Problem.of(413, "EntityTooLarge", "The file is too large to be checked for viruses")
        .withDetails("file_unscanned")
        .withHint("At most " + maxBytes + " bytes are scanned");
  }

  /** Another request writes the same upload. */
  static Problem busy() {
    return Problem.of(423, "ResourceLocked", "The resource is locked")
        .withHint("Another request writes this upload; try again in a moment")
        .withHeader("Retry-After", "1");
  }

  /** The client went away, or the request ended before its time. */
  static Problem cutOff() {
    return Problem.of(400, "IncompleteBody", "The request ended before its body was whole");
  }

  /** Of a request for a file. */
  static StorageReply reply(Problem problem) {
    int told = problem.status() == 401 ? 403 : problem.status();
    boolean asItIs = told >= 500 || told == 416 || told == 429;
    ObjectNode body = JSON.createObjectNode();
    body.put("statusCode", String.valueOf(told));
    body.put("code", code(problem, told));
    body.put("error", error(problem, told));
    body.put("message", message(problem, told));
    if (problem.details() != null) {
      body.put("details", problem.details());
    }
    if (problem.hint() != null) {
      body.put("hint", problem.hint());
    }
    return StorageReply.json(asItIs ? told : 400, body).with(problem.headers());
  }

  /**
   * Of a resumable upload: TUS clients read the status, and show the text. A refusal's reason code
   * is in a header.
   */
  static StorageReply resumable(Problem problem) {
    String reason = problem.details();
    return new StorageReply(
            problem.status() == 401 ? 403 : problem.status(),
            Map.of("Content-Type", "text/plain; charset=utf-8"),
            problem.sentence(),
            null)
        .with(
            reason != null && REASON.matcher(reason).matches()
                ? Map.of("x-chat-reason", reason)
                : Map.of())
        .with(problem.headers());
  }

  /** The database's codes are no names of Supabase's. */
  private static String code(Problem problem, int status) {
    return switch (status) {
      case 403 -> "AccessDenied";
      case 404 -> problem.code().startsWith("PT") ? "NoSuchKey" : problem.code();
      case 409 -> problem.code().startsWith("PT") ? "ResourceAlreadyExists" : problem.code();
      case 413 -> "EntityTooLarge";
      case 415 -> "InvalidMimeType";
      case 429 -> "SlowDown";
      default -> problem.code().startsWith("PT") ? "InvalidRequest" : problem.code();
    };
  }

  private static String error(Problem problem, int status) {
    return switch (status) {
      case 403 -> "Unauthorized";
      case 404 -> problem.code().equals("NoSuchBucket") ? "Bucket not found" : "not_found";
      case 409 -> "Duplicate";
      case 413 -> "Payload too large";
      case 415 -> "invalid_mime_type";
      default -> problem.code();
    };
  }

  private static String message(Problem problem, int status) {
    return status == 409 && "file_exists".equals(problem.details())
        ? "The resource already exists"
        : problem.message();
  }
}
