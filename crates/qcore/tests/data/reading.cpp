// What real Qt asks of a device that is read, for tests/reading.rs.
//
// How to run, in this directory, with Qt 5.15 (Debian: apt-get install g++ qtbase5-dev):
//
//     g++ -fPIC -O1 reading.cpp -o /tmp/reading $(pkg-config --cflags --libs Qt5Core)
//     /tmp/reading > reading.tsv
//
// A line that begins with '#' is a device; every other line is a call of one of its functions:
//
//     call <tab> what the device was asked, in order <tab> result <tab> pos() <tab> bytesAvailable()
//
// The words that describe a device:
//
//     seq, ran     sequential, or random access
//     buf, unb     opened with a read buffer, or Unbuffered
//     text         opened in text mode
//     data=X       the bytes: escaped text, or N@LF@CR, see generate()
//     packets=X|Y  a packet for each read instead
//     cut          what a read leaves of a packet is lost
//     most=N       no read gives more than N bytes
//     fail=N       the read number N, counted from 1, fails
//     end=-1       reading behind the end is an error
//     claim        bytesAvailable() (sequential) or size() (random access) tell of all the bytes
//     ignore       seeking succeeds and moves nothing
//     noseek       seeking fails
//     line         readLineData() is overridden: it gives a line without calling the base class
//
// What the device was asked: R10=5 is readData() for 10 bytes, which gave 5; R0 is readData() for none;
// S7 is seek(7), S7! one that failed (what a device never hears of with us is not logged); L10 is readLineData() for 10 bytes; W3 is writeData() of 3 bytes.
// R1=1x20 is the same thing 20 times.

#include <QtCore>

#include <cstdio>
#include <vector>

static QByteArray escaped(const QByteArray &bytes)
{
    QByteArray text;
    for (char c : bytes) {
        if (c == '\n')
            text += "\\n";
        else if (c == '\r')
            text += "\\r";
        else if (c == '\\')
            text += "\\\\";
        else
            text += c;
    }
    return text;
}

static QByteArray unescaped(const QByteArray &text)
{
    QByteArray bytes;
    for (int i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        ++i;
        bytes += text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i];
    }
    return bytes;
}

// N bytes; every LF-th is a line feed, every CR-th of the others a carriage return, unless those are 0.
static QByteArray generate(const QByteArray &spec)
{
    const QList<QByteArray> parts = spec.split('@');
    const int count = parts[0].toInt(), lf = parts[1].toInt(), cr = parts[2].toInt();
    QByteArray bytes(count, 0);
    for (int i = 0; i < count; ++i) {
        if (lf && (i + 1) % lf == 0)
            bytes[i] = '\n';
        else if (cr && (i + 1) % cr == 0)
            bytes[i] = '\r';
        else
            bytes[i] = char('a' + i % 26);
    }
    return bytes;
}

static QByteArray shown(const QByteArray &bytes)
{
    if (bytes.size() <= 40)
        return "\"" + escaped(bytes) + "\"";
    quint32 hash = 2166136261u; // FNV-1a
    for (char c : bytes)
        hash = (hash ^ uchar(c)) * 16777619u;
    return QByteArray::number(bytes.size()) + ":" + QByteArray::number(hash, 16);
}

class Device : public QIODevice
{
public:
    explicit Device(const QByteArray &spec)
    {
        mode = ReadWrite;
        for (const QByteArray &word : spec.split(' ')) {
            const int equals = word.indexOf('=');
            const QByteArray key = equals < 0 ? word : word.left(equals), value = word.mid(equals + 1);
            if (key == "seq")
                sequential = true;
            else if (key == "unb")
                mode |= Unbuffered;
            else if (key == "text")
                mode |= Text;
            else if (key == "data")
                bytes = value.contains('@') ? generate(value) : unescaped(value);
            else if (key == "packets")
                for (const QByteArray &packet : value.split('|'))
                    packets.append(unescaped(packet));
            else if (key == "cut")
                cut = true;
            else if (key == "most")
                most = value.toInt();
            else if (key == "fail")
                fail = value.toInt();
            else if (key == "end")
                end = value.toInt();
            else if (key == "claim")
                claim = true;
            else if (key == "ignore")
                ignore = true;
            else if (key == "noseek")
                noseek = true;
            else if (key == "line")
                ownLines = true;
            else if (key != "ran" && key != "buf")
                qFatal("no such word: %s", word.constData());
        }
        open(mode);
    }

    QByteArray takeLog()
    {
        QByteArray taken;
        for (int i = 0, next; i < log.size(); i = next) {
            for (next = i + 1; next < log.size() && log[next] == log[i]; ++next) { }
            taken += (i ? " " : "") + log[i];
            if (next - i > 1)
                taken += "x" + QByteArray::number(next - i);
        }
        log.clear();
        return taken;
    }

    bool isSequential() const override { return sequential; }
    qint64 size() const override
    {
        return sequential ? QIODevice::size() : claim ? bytes.size() : 0;
    }
    qint64 bytesAvailable() const override
    {
        return QIODevice::bytesAvailable() + (sequential && claim ? bytes.size() - at : 0);
    }
    bool seek(qint64 to) override
    {
        const bool done = !noseek && QIODevice::seek(to);
        if (to >= 0 && !sequential)
            log += "S" + QByteArray::number(to) + (done ? "" : "!");
        if (done && !ignore)
            at = to;
        return done;
    }

protected:
    qint64 readData(char *data, qint64 maxSize) override
    {
        if (maxSize == 0) {
            log += "R0";
            return 0;
        }
        const qint64 count = give(data, maxSize);
        log += "R" + QByteArray::number(maxSize) + "=" + QByteArray::number(count);
        return count;
    }
    qint64 readLineData(char *data, qint64 maxSize) override
    {
        log += "L" + QByteArray::number(maxSize);
        if (!ownLines)
            return QIODevice::readLineData(data, maxSize);
        const qint64 rest = qMax(qint64(0), bytes.size() - at);
        const qint64 feed = bytes.indexOf('\n', int(at));
        const qint64 count = qMin(maxSize, feed < 0 ? rest : feed + 1 - at);
        memcpy(data, bytes.constData() + at, size_t(count));
        at += count;
        return count ? count : -1;
    }
    qint64 writeData(const char *data, qint64 size) override
    {
        log += "W" + QByteArray::number(size);
        if (!sequential) {
            bytes.replace(int(at), int(size), data, int(size));
            at += size;
        }
        return size;
    }

private:
    qint64 give(char *data, qint64 maxSize)
    {
        if (++reads == fail)
            return -1;
        if (!packets.isEmpty()) {
            QByteArray packet = packets.takeFirst();
            const qint64 count = qMin(maxSize, qint64(packet.size()));
            memcpy(data, packet.constData(), size_t(count));
            if (!cut && count < packet.size())
                packets.prepend(packet.mid(int(count)));
            return count;
        }
        qint64 count = qMax(qint64(0), qMin(maxSize, bytes.size() - at));
        if (most)
            count = qMin(count, qint64(most));
        if (count == 0)
            return end;
        memcpy(data, bytes.constData() + at, size_t(count));
        at += count;
        return count;
    }

    OpenMode mode;
    QList<QByteArray> log;
    QByteArray bytes;
    QList<QByteArray> packets;
    qint64 at = 0;
    int most = 0, fail = 0, end = 0, reads = 0;
    bool sequential = false, cut = false, claim = false, ignore = false, noseek = false;
    bool ownLines = false;
};

// Calls a function by a form that returns how much there was, or -1.
template <class Call> static QByteArray into(qint64 size, Call call)
{
    QByteArray room(int(size) + 1, 0);
    const qint64 count = call(room.data(), size);
    return count < 0 ? QByteArray("-1") : shown(room.left(int(count)));
}

static QByteArray perform(Device &d, const QByteArray &call)
{
    const QList<QByteArray> words = call.split(' ');
    const QByteArray name = words[0], argument = words.value(1);
    const qint64 n = argument.toLongLong();
    if (name == "read")
        return shown(d.read(n));
    if (name == "read_into")
        return into(n, [&d](char *data, qint64 size) { return d.read(data, size); });
    if (name == "peek")
        return shown(d.peek(n));
    if (name == "peek_into")
        return into(n, [&d](char *data, qint64 size) { return d.peek(data, size); });
    if (name == "read_all")
        return shown(d.readAll());
    if (name == "read_line")
        return shown(d.readLine());
    if (name == "read_line_with_max_size")
        return shown(d.readLine(n));
    if (name == "read_line_into")
        return into(n, [&d](char *data, qint64 size) { return d.readLine(data, size); });
    if (name == "skip")
        return QByteArray::number(d.skip(n));
    if (name == "get_char") {
        char c;
        return d.getChar(&c) ? shown(QByteArray(1, c)) : QByteArray("none");
    }
    if (name == "unget_char")
        return d.ungetChar(argument[0]), QByteArray();
    if (name == "can_read_line")
        return d.canReadLine() ? "true" : "false";
    if (name == "at_end")
        return d.atEnd() ? "true" : "false";
    if (name == "start")
        return d.startTransaction(), QByteArray();
    if (name == "commit")
        return d.commitTransaction(), QByteArray();
    if (name == "rollback")
        return d.rollbackTransaction(), QByteArray();
    if (name == "seek")
        return d.seek(n) ? "true" : "false";
    if (name == "text")
        return d.setTextModeEnabled(n != 0), QByteArray();
    if (name == "write")
        return QByteArray::number(d.write(argument));
    qFatal("no such call: %s", call.constData());
    return QByteArray();
}

static void run(const QByteArray &spec, const QList<QByteArray> &calls)
{
    Device device(spec);
    printf("# %s\n", spec.constData());
    for (const QByteArray &call : calls) {
        const QByteArray result = perform(device, call);
        const QByteArray asked = device.takeLog();
        printf("%s\t%s\t%s\t%lld\t%lld\n", call.constData(), asked.constData(), result.constData(),
               device.pos(), device.bytesAvailable());
    }
}

static QList<QByteArray> script(const char *text)
{
    QList<QByteArray> calls;
    for (const QByteArray &call : QByteArray(text).split(','))
        calls.append(call.trimmed());
    return calls;
}

static quint32 state = 1;

static int chance(int below)
{
    state = state * 1664525u + 1013904223u;
    return int((state >> 8) % quint32(below));
}

// A mixture of everything, of sizes up to `most`.
static QList<QByteArray> mixture(int count, int most, bool sequential)
{
    static const char *const sized[] = { "read", "read_into", "peek", "peek_into", "read_line_with_max_size",
                                         "read_line_into", "skip" };
    static const char *const others[] = { "read_line", "get_char", "unget_char X", "unget_char Y",
                                          "can_read_line", "start", "rollback", "commit", "at_end" };
    QList<QByteArray> calls;
    bool transaction = false;
    while (calls.size() < count) {
        const int kind = chance(20);
        if (kind < 11) {
            QByteArray name = sized[chance(7)];
            // Below 2 nothing is read but a warning.
            const int least = name.startsWith("read_line") ? 2 : 0;
            calls.append(name + " " + QByteArray::number(least + chance(chance(2) ? most : 6)));
        } else if (kind < 18) {
            const QByteArray name = others[chance(9)];
            if (name == "start" ? transaction : name == "rollback" || name == "commit" ? !transaction : false)
                continue;
            if (transaction && name.startsWith("unget"))
                continue;
            if (name == "start" || name == "rollback" || name == "commit")
                transaction = !transaction;
            calls.append(name);
        } else if (kind < 19 && !sequential && !transaction) {
            calls.append(chance(2) ? "seek " + QByteArray::number(chance(most)) : QByteArray("write zz"));
        }
    }
    calls.append("read_all");
    calls.append("read_all");
    return calls;
}

int main()
{
    qInstallMessageHandler([](QtMsgType type, const QMessageLogContext &, const QString &text) {
        if (type == QtFatalMsg)
            fprintf(stderr, "%s\n", qPrintable(text));
    });
    const char *const ways[] = { "seq buf", "seq unb", "ran buf", "ran unb" };
    const char *const texts[] = { "", " text" };

    // Each function by itself, twice in a row, at the beginning and behind something in the buffer.
    const char *const each[] = { "read 0", "read 1", "read 5", "read 100", "read_into 0", "read_into 1",
                                 "read_into 5", "peek 0", "peek 5", "peek 100", "peek_into 0",
                                 "peek_into 5", "read_all", "read_line", "read_line_with_max_size 1",
                                 "read_line_with_max_size 2", "read_line_with_max_size 6", "read_line_with_max_size 100",
                                 "read_line_into 1", "read_line_into 2", "read_line_into 6", "skip 0", "skip 1", "skip 5", "skip 100",
                                 "get_char", "can_read_line", "at_end" };
    const char *const devices[] = { " data=ab\\r\\ncd\\nefgh claim", " data=ab\\r\\ncd\\nefgh",
                                    " data= end=-1" };
    for (const char *way : ways)
        for (const char *device : devices)
            for (const char *call : each) {
                if (*way == 's' && device == devices[1])
                    continue;
                const QByteArray spec = QByteArray(way) + device;
                run(spec, { call, call, "read 3" });
                run(spec, { "unget_char X", call, call });
                run(spec, { "start", "get_char", call, call, "rollback", "read 3" });
                run(spec, { "start", "read 2", call, "commit", "read 3" });
                run(spec + " text", { "peek 4", call, call, "read 3" });
                run(spec + " text", { "start", "get_char", call, "rollback", call });
            }

    // A packet a read.
    const char *const packets[] = {
        "read 10, read 10, read 10, read 10", "read_into 10, read_into 10, read_into 10, read_into 10",
        "peek 10, read 10, read 10", "peek_into 10, read_into 10, read 10", "peek 3, peek 7, read 12",
        "read 5, read 5, read 5, read 5", "read 3, read 3, read 3, read 3, read 3, read 3",
        "read 20000, read 20000", "read 16384, read 16384", "read 16383, read 16383",
        "peek 20000, peek 20000, read 20000", "read_all, read_all", "read 2, read_all",
        "peek 7, read_all", "read_line, read_line, read_line, read_line",
        "read_line_with_max_size 6, read_line_with_max_size 6, read_line_with_max_size 6", "read_line_into 20, read_line_into 20",
        "skip 10, skip 10, skip 10", "skip 3, read 10, read 10", "skip 5000, read 10",
        "get_char, get_char, read 10, read 10", "get_char, unget_char X, read 10, read 10",
        "start, read 10, read 10, rollback, read 10, read 10", "start, read 3, read 10, commit, read 10",
        "start, peek 8, read 10, rollback, read 10", "start, read_all, rollback, read_all",
        "start, read_line, rollback, read_line, read_line", "start, skip 7, read 3, rollback, read 10",
    };
    for (const char *way : ways)
        for (const char *device : { " packets=hello|world|third", " packets=hello|world|third cut",
                                    " packets=he\\nlo|w\\r\\nrl|thi\\rd", " packets=hello|world|third fail=2",
                                    " packets=hello|world|third end=-1 fail=4" })
            for (const char *text : texts)
                for (const char *calls : packets)
                    if (!*text || QByteArray(device).contains('\\'))
                        run(QByteArray(way) + text + device + (*way == 'r' ? " ignore" : ""), script(calls));

    // Sizes about that of what is read at once.
    for (const char *way : ways)
        for (const char *device : { " data=60000@0@0 claim", " data=60000@0@0 most=10000",
                                    " data=16384@0@0", " data=40000@0@7 text" })
            for (int n : { 4097, 16383, 16384, 16385, 32769, 100000 })
                for (const char *call : { "read ", "read_into ", "peek ", "peek_into ", "skip ",
                                          "read_line_with_max_size ", "read_line_into " }) {
                    const QByteArray sized = call + QByteArray::number(n);
                    run(QByteArray(way) + device, { sized, "get_char", sized, "read_all" });
                    if (n == 16384 || n == 32769)
                        run(QByteArray(way) + device,
                            { "start", "get_char", sized, sized, "rollback", sized, "read_all" });
                }
    for (const char *way : ways)
        for (const char *data : { "16384@16384@0 claim", "16385@16385@0", "40000@32768@0 most=5000",
                                  "50000@32770@5 text", "20000@16384@16383 text", "20000@16385@16384 text",
                                  "40000@16384@0 claim", "50000@0@0" }) {
            const QByteArray spec = QByteArray(way) + " data=" + data;
            run(spec, script("read_line, read_line, read_line, read_all"));
            run(spec, script("get_char, read_all, read_all"));
            run(spec, script("peek 20000, read_all, read_all"));
            run(spec, script("start, read_line, read_all, rollback, read_line, read_all"));
            run(spec, script("peek 7, read_line, peek 40000, read_line_with_max_size 30000, skip 40000, read_all"));
        }
    for (const char *way : { "ran buf", "ran unb" })
        run(QByteArray(way) + " data=900000@0@0 claim", script("read 300000, peek 300000, read_all"));

    // Endings, failures, and devices that do not go where they are told to.
    const char *const endings[] = {
        "read 4, read 10, read 10", "read_into 4, read_into 10, read_into 10", "peek 4, peek 10, read 10",
        "read_line, read_line, read_line", "read_line_into 9, read_line_into 9, read_line_into 9",
        "skip 4, skip 10, skip 10, read 3", "read_all, read_all", "get_char, read_all, get_char",
        "unget_char X, read_into 9, read_into 9", "unget_char X, read_line_into 9, read_line_into 9",
        "start, read 4, read 10, rollback, read 10, read 10", "start, read_line, commit, read_into 9",
        "peek 2, read 1, peek 2, read 1", "peek_into 2, read_into 1, peek_into 2, read_into 1",
        "peek_into 2, get_char, peek_into 2, get_char", "read 2, peek 2, seek 1, read 3, skip 2, read_line",
        "peek 3, skip 2, peek 3, read_line, unget_char X, peek 3, read 3",
        "read 3, write zz, read 3, peek 2, write zz, read 3",
    };
    for (const char *way : ways)
        for (const char *device :
             { " data=abcdef\\nghijkl most=3", " data=abcdef\\nghijkl end=-1",
               " data=abcdef\\nghijkl most=3 end=-1",
               " data=abcdef\\nghijkl fail=1", " data=abcdef\\nghijkl fail=2", " data=\\r\\r\\r text",
               " data=\\r\\r\\r text end=-1", " data=\\ra\\r\\nb\\r text most=2",
               " data=abcdef\\nghijkl most=3 fail=3", " data=abcdef\\nghijkl ignore",
               " data=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz ignore",
               " data=abcdef\\nghijkl claim noseek", " data=abcdef\\nghijkl claim line",
               " data=abcdef\\nghijkl line", " data=ab\\r\\ncdef\\r\\n claim line text" })
            for (const char *calls : endings)
                run(QByteArray(way) + device, script(calls));

    // Mixtures.
    for (const char *way : ways)
        for (const char *device : { " data=3000@31@0 claim", " data=3000@31@0 most=50", " data=3000@31@9 text",
                                    " data=3000@31@9 text most=7", " data=3000@31@0 most=11 ignore",
                                    " data=3000@31@0 fail=9 most=100", " data=3000@31@0 claim line" })
            for (int round = 0; round < 2; ++round)
                run(QByteArray(way) + device, mixture(40, round % 2 ? 60 : 400, *way == 's'));
    for (const char *way : ways)
        for (const char *device : { " data=90000@9000@0 claim", " data=90000@20000@333 text" })
            for (int round = 0; round < 2; ++round)
                run(QByteArray(way) + device, mixture(25, 20000, *way == 's'));
    return 0;
}
