package com.gptdesk.chat.service.files;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Files in a bucket. What comes is written to a folder of this machine first, where it is checked,
 * and then put into the bucket under its id; an object is whole or not there. Several nodes may use
 * one bucket. An upload in several requests goes on at the node that has its beginning, or at any
 * when they share the folder.
 */
public final class S3Store implements ObjectStore, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(S3Store.class);

  private final DiskStore beside;
  private final S3Settings settings;
  private final FileCounts counts;
  private final S3Requests requests;
  private final S3Parts parts;
  private final S3Client client;
  private final S3Presigner presigner;
  private final long partBytes;

  /**
   * @param beside where files are written first
   */
  public S3Store(DiskStore beside, S3Settings settings, FileCounts counts) {
    this(beside, settings, counts, 64L << 20);
  }

  /**
   * @param partBytes larger files are sent in parts of this size
   */
  S3Store(DiskStore beside, S3Settings settings, FileCounts counts, long partBytes) {
    this.beside = beside;
    this.settings = settings;
    this.counts = counts;
    this.partBytes = partBytes;
    this.requests = new S3Requests(settings, counts);
    this.client = requests.client();
    this.presigner = S3Requests.presigner(settings);
    this.parts = new S3Parts(requests, settings, partBytes);
  }

  /** Says in the log whether the bucket can be reached; the service works without it meanwhile. */
  public void check() {
    try {
      requests.ask("be found", () -> client.headBucket(each -> each.bucket(settings.bucket())));
      LOG.info("Files are kept in the bucket {}", settings.bucket());
    } catch (IOException e) {
      LOG.error(
          "The bucket of files cannot be reached: uploads and reads of files are answered 503", e);
    }
  }

  /** The size of the object; -1 where there is none. */
  private long stored(UUID id) throws IOException {
    HeadObjectResponse found =
        requests.find(
            "be looked up",
            () -> client.headObject(each -> each.bucket(settings.bucket()).key(requests.key(id))));
    return found == null ? -1 : found.contentLength();
  }

  @Override
  public IncomingFile write(UUID id) throws IOException {
    IncomingFile file = beside.write(id, this::keep);
    boolean mayGoOn = false;
    try {
      // With some of it here, nobody has made it whole: then it would be here no more.
      if (file.size() == 0 && stored(id) > 0) {
        throw new FileBusy();
      }
      mayGoOn = true;
      return file;
    } finally {
      if (!mayGoOn) {
        try (file) {
          file.discard();
        }
      }
    }
  }

  @Override
  public IncomingFile whole(UUID id) throws IOException {
    IncomingFile file = beside.write(id, this::keep);
    boolean isCopied = false;
    try (InputStream bytes = open(id, null)) {
      if (file.size() > 0) {
        throw new FileBusy(); // another began to write it here
      }
      if (bytes == null) {
        throw new IOException("The object " + requests.key(id) + " is gone");
      }
      file.append(bytes, Long.MAX_VALUE);
      file.isCopy();
      isCopied = true;
      return file;
    } finally {
      if (!isCopied) {
        try (file) {
          file.discard();
        }
      }
    }
  }

  @Override
  public long arrived(UUID id) throws IOException {
    long here = beside.arrived(id);
    return here > 0 ? here : Math.max(0, stored(id));
  }

  @Override
  public boolean isWhole(UUID id) throws IOException {
    return beside.arrived(id) == 0 && stored(id) >= 0;
  }

  @Override
  public @Nullable Content read(UUID id, long first, long length) throws IOException {
    InputStream bytes =
        length == 0 ? null : open(id, "bytes=%d-%d".formatted(first, first + length - 1));
    if (bytes != null) {
      return new Content.Streamed(bytes, length);
    }
    return length == 0 && stored(id) >= 0
        ? new Content.Streamed(InputStream.nullInputStream(), 0)
        : null;
  }

  /**
   * @param range of bytes; null for all
   */
  private @Nullable InputStream open(UUID id, @Nullable String range) throws IOException {
    ResponseInputStream<GetObjectResponse> object =
        requests.find(
            "be read",
            () ->
                client.getObject(
                    each -> each.bucket(settings.bucket()).key(requests.key(id)).range(range)));
    return object == null ? null : new Bytes(object);
  }

  /** What is not read to its end is given up, and not read for the next request's sake. */
  private final class Bytes extends FilterInputStream {
    private final ResponseInputStream<GetObjectResponse> object;
    private boolean atEnd;

    Bytes(ResponseInputStream<GetObjectResponse> object) {
      super(object);
      this.object = object;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      try {
        int read = object.read(into, offset, length);
        atEnd |= read < 0;
        return read;
      } catch (IOException | SdkException e) {
        counts.storeFailed();
        throw new StoreUnavailable("A file could not be read to its end from the bucket", e);
      }
    }

    @Override
    public void close() throws IOException {
      if (atEnd) {
        object.close();
      } else {
        object.abort();
      }
    }
  }

  @Override
  public @Nullable Direct direct(UUID id, Shown as) {
    if (!settings.redirects()) {
      return null;
    }
    return new Direct(
        URI.create(
            presigner
                .presignGetObject(
                    each ->
                        each.signatureDuration(settings.addressLife())
                            .getObjectRequest(
                                object ->
                                    object
                                        .bucket(settings.bucket())
                                        .key(requests.key(id))
                                        .responseContentType(as.type())
                                        .responseContentDisposition(as.disposition())
                                        .responseCacheControl(as.cacheControl())))
                .url()
                .toString()),
        settings.addressLife());
  }

  /** Puts it into the bucket, and takes it away from the folder. */
  private void keep(UUID id, FileChannel bytes) throws IOException {
    long size = bytes.size();
    if (size <= partBytes) {
      ChannelPart all = new ChannelPart(bytes, 0, size);
      String hash = all.md5();
      requests.ask(
          "be stored",
          () ->
              client.putObject(
                  each ->
                      each.bucket(settings.bucket())
                          .key(requests.key(id))
                          .contentMD5(hash)
                          .overrideConfiguration(
                              one -> one.apiCallAttemptTimeout(requests.timeFor(size))),
                  S3Requests.body(all)));
    } else {
      parts.keep(requests.key(id), bytes, size);
    }
    beside.drop(id);
  }

  @Override
  public void remove(UUID id) throws IOException {
    beside.drop(id);
    requests.find(
        "be removed",
        () -> client.deleteObject(each -> each.bucket(settings.bucket()).key(requests.key(id))));
  }

  @Override
  public void tidy(Instant before) throws IOException {
    beside.tidy(before);
    parts.tidy(before);
  }

  @Override
  public void requireRoom(long bytes) throws IOException {
    beside.requireRoom(bytes);
  }

  @Override
  public void close() {
    requests.close();
    presigner.close();
  }
}
