package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.FaultyWire.Fault;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FullDisk;
import com.gptdesk.chat.service.files.ObjectStore;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;

/** The same with files in a bucket. */
class S3UploadFailuresTest extends UploadFailuresTest {
  private final InBucket bucket = new InBucket();

  @Override
  ObjectStore store(FullDisk disk, FileCounts counts) throws IOException {
    return bucket.store(disk, counts);
  }

  @Override
  List<String> kept() throws IOException {
    return bucket.kept(super.kept());
  }

  @Override
  byte[] bytesOf(UUID id) throws IOException {
    return bucket.bytesOf(id);
  }

  @AfterEach
  void mend() throws IOException {
    bucket.breaks(Fault.NONE);
  }

  @AfterAll
  void stopServer() throws IOException {
    bucket.close();
  }
}
