// The same work with Qt: `qtbench micro WORK [SECONDS]`, `qtbench server MODE [CERT KEY]` and
// `qtbench fortune PORT`. qbench builds it if Qt's headers are installed.

#include <QtCore>
#include <QtNetwork>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

using Clock = std::chrono::steady_clock;

static double since(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

static double cpuSeconds()
{
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
}

static void report(const std::string &bench, double value, const char *unit)
{
    std::printf("{\"bench\":\"%s\",\"peer\":\"here\",\"value\":%.6f,\"unit\":\"%s\"}\n", bench.c_str(),
                value, unit);
    std::fflush(stdout);
}

static void reportEach(const std::string &bench, Clock::time_point start, double count,
                       const char *unit)
{
    report(bench, since(start) * 1e9 / count, unit);
}

class Emitter : public QObject
{
    Q_OBJECT
signals:
    void fired(qint64 value);
};

class Receiver : public QObject
{
    Q_OBJECT
public:
    qint64 sum = 0;
    std::function<void(qint64)> more;
public slots:
    void add(qint64 value) { sum += value; }
    void addMore(qint64 value)
    {
        sum += value;
        more(value);
    }
};

static void timeEmission(const std::string &bench, Emitter &emitter, int count)
{
    const int times = std::max(10, 2000000 / count);
    for (int i = 0; i < times / 10; ++i)
        emit emitter.fired(i);
    const auto start = Clock::now();
    for (int i = 0; i < times; ++i)
        emit emitter.fired(i);
    reportEach(bench, start, double(times) * count, "ns/slot");
}

// Closures, which add to one sum.
static void emitToClosures(int count)
{
    Emitter emitter;
    qint64 sum = 0;
    for (int i = 0; i < count; ++i)
        QObject::connect(&emitter, &Emitter::fired, [&sum](qint64 value) { sum += value; });
    timeEmission("emit_n" + std::to_string(count), emitter, count);
}

// Slots that have a receiver each.
static void emitTo(const std::string &bench, int count)
{
    Emitter emitter;
    std::vector<std::unique_ptr<Receiver>> receivers;
    for (int i = 0; i < count; ++i) {
        receivers.push_back(std::make_unique<Receiver>());
        QObject::connect(&emitter, &Emitter::fired, receivers.back().get(), &Receiver::add);
    }
    timeEmission(bench, emitter, count);
}

static void connectAndDisconnect()
{
    const std::pair<int, int> sizes[] = {{1, 100000}, {100, 2000}, {10000, 20}};
    for (const auto &[count, rounds] : sizes) {
        Emitter emitter;
        qint64 sum = 0;
        std::vector<QMetaObject::Connection> connections(count);
        const auto start = Clock::now();
        for (int round = 0; round < rounds; ++round) {
            for (auto &connection : connections) {
                connection = QObject::connect(&emitter, &Emitter::fired,
                                              [&sum](qint64 value) { sum += value; });
            }
            for (auto &connection : connections)
                QObject::disconnect(connection);
        }
        reportEach("connect_and_disconnect_n" + std::to_string(count), start,
                   double(rounds) * count, "ns");
    }
}

static void queued()
{
    Emitter emitter;
    Receiver receiver;
    QObject::connect(&emitter, &Emitter::fired, &receiver, &Receiver::add, Qt::QueuedConnection);
    auto start = Clock::now();
    for (int round = 0; round < 330; ++round) {
        if (round == 30)
            start = Clock::now();
        for (int i = 0; i < 1000; ++i)
            emit emitter.fired(i);
        QCoreApplication::processEvents();
    }
    reportEach("queued_batch1000", start, 300000, "ns/call");

    Emitter chain;
    int left = 100000;
    receiver.more = [&](qint64 value) {
        if (--left > 0)
            emit chain.fired(value + 1);
        else
            QCoreApplication::quit();
    };
    QObject::connect(&chain, &Emitter::fired, &receiver, &Receiver::addMore, Qt::QueuedConnection);
    start = Clock::now();
    emit chain.fired(1);
    QCoreApplication::exec();
    reportEach("queued_chain", start, 100000, "ns/call");
}

static void crossthread()
{
    QThread thread;
    Receiver there, here;
    there.moveToThread(&thread);
    Emitter ask, answer;
    QObject::connect(&ask, &Emitter::fired, &there, &Receiver::addMore);
    QObject::connect(&answer, &Emitter::fired, &here, &Receiver::addMore, Qt::QueuedConnection);
    answer.moveToThread(&thread);
    there.more = [&](qint64 value) {
        if (value == 0)
            emit answer.fired(0);
    };
    thread.start();
    int left = 20000;
    here.more = [&](qint64) {
        if (--left > 0)
            emit ask.fired(0);
        else
            QCoreApplication::quit();
    };
    auto start = Clock::now();
    emit ask.fired(0);
    QCoreApplication::exec();
    reportEach("crossthread_roundtrip", start, 20000, "ns/trip");
    here.more = [](qint64) { QCoreApplication::quit(); };
    start = Clock::now();
    for (int batch = 0; batch < 300; ++batch) {
        for (int i = 999; i >= 0; --i)
            emit ask.fired(i);
        QCoreApplication::exec();
    }
    reportEach("crossthread_batch1000", start, 300000, "ns/call");
    thread.quit();
    thread.wait();
}

static void zero(double seconds)
{
    QTimer timer;
    qint64 fires = 0;
    const auto start = Clock::now();
    QObject::connect(&timer, &QTimer::timeout, [&] {
        if (++fires % 1024 == 0 && since(start) > seconds)
            QCoreApplication::quit();
    });
    timer.start(0);
    QCoreApplication::exec();
    report("zero_timer", double(fires) / since(start), "fires/s");
}

static void timers(int count)
{
    quint64 random = 12345;
    int left = count;
    const double before = cpuSeconds();
    std::vector<std::unique_ptr<QTimer>> timers;
    for (int i = 0; i < count; ++i) {
        auto timer = std::make_unique<QTimer>();
        timer->setSingleShot(true);
        timer->setTimerType(Qt::PreciseTimer);
        QObject::connect(timer.get(), &QTimer::timeout, [&left] {
            if (--left == 0)
                QCoreApplication::quit();
        });
        random = random * 6364136223846793005u + 1442695040888963407u;
        timer->start(int((random >> 33) % 1000));
        timers.push_back(std::move(timer));
    }
    QCoreApplication::exec();
    report("timers" + std::to_string(count / 1000) + "k_total_cpu", cpuSeconds() - before, "s");
}

static void echo(double seconds)
{
    QTcpServer server;
    server.listen(QHostAddress::LocalHost, 0);
    QObject::connect(&server, &QTcpServer::newConnection, [&server] {
        QTcpSocket *socket = server.nextPendingConnection();
        QObject::connect(socket, &QTcpSocket::readyRead, [socket] {
            char buffer[4096];
            qint64 count;
            while ((count = socket->read(buffer, sizeof buffer)) > 0)
                socket->write(buffer, count);
        });
    });
    QTcpSocket client;
    int got = 0, trips = 0;
    bool warm = false;
    auto start = Clock::now();
    const char message[64] = {};
    QObject::connect(&client, &QTcpSocket::connected, [&] { client.write(message, 64); });
    QObject::connect(&client, &QTcpSocket::readyRead, [&] {
        char buffer[4096];
        qint64 count;
        while ((count = client.read(buffer, sizeof buffer)) > 0)
            got += int(count);
        if (got < 64)
            return;
        got = 0;
        ++trips;
        const double passed = since(start);
        if (!warm && passed > seconds / 5) {
            warm = true;
            trips = 0;
            start = Clock::now();
        } else if (warm && passed > seconds) {
            report("echo_inproc", trips / passed, "rt/s");
            return QCoreApplication::quit();
        }
        client.write(message, 64);
    });
    client.connectToHost(QHostAddress::LocalHost, server.serverPort());
    QCoreApplication::exec();
}

// Round trips of a blocking client with a server in another thread.
static void blocking(double seconds)
{
    QTcpServer server;
    server.listen(QHostAddress::LocalHost, 0);
    QTcpSocket client;
    client.connectToHost(QHostAddress::LocalHost, server.serverPort());
    server.waitForNewConnection(-1);
    QTcpSocket *accepted = server.nextPendingConnection();
    const int descriptor = dup(int(accepted->socketDescriptor()));
    accepted->abort();
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
    client.waitForConnected(-1);
    QThread *thread = QThread::create([descriptor] {
        char buffer[64];
        while (::recv(descriptor, buffer, 64, MSG_WAITALL) == 64)
            ::send(descriptor, buffer, 64, MSG_NOSIGNAL);
    });
    thread->start();
    int count = 0;
    auto start = Clock::now();
    double cpu = 0;
    char buffer[64] = {};
    while (count == 0 || since(start) < seconds) {
        client.write(buffer, 64);
        while (client.bytesAvailable() < 64)
            client.waitForReadyRead(-1);
        client.read(buffer, 64);
        if (++count == 1) {
            start = Clock::now();
            cpu = cpuSeconds();
        }
    }
    report("blocking_trip", (cpuSeconds() - cpu) * 1e6 / count, "us/rt");
    client.abort();
    thread->wait();
    delete thread;
}

static void burst(double seconds)
{
    QUdpSocket receiver, sender;
    receiver.bind(QHostAddress(QHostAddress::LocalHost));
    sender.bind(QHostAddress(QHostAddress::LocalHost));
    const QHostAddress host(QHostAddress::LocalHost);
    const quint16 port = receiver.localPort();
    char message[64] = {};
    int sent = 0;
    double spent = 0;
    const auto start = Clock::now();
    while (since(start) < seconds) {
        const double cpu = cpuSeconds();
        for (int i = 0; i < 32; ++i)
            sender.writeDatagram(message, 64, host, port);
        spent += cpuSeconds() - cpu;
        sent += 32;
        while (receiver.hasPendingDatagrams())
            receiver.readDatagram(message, 64);
    }
    report("udp_burst", spent * 1e6 / sent, "us/dgram");
}

static void text()
{
    const int count = 400000;
    QByteArray lines, words, integers, reals;
    for (int i = 0; i < count; ++i) {
        lines += "line " + QByteArray::number(i) + " of a log, with about sixty characters in it\n";
        words += "word" + QByteArray::number(i) + ' ';
        integers += QByteArray::number(qint64(i) * 7919) + ' ';
        reals += QByteArray::number(i * 0.37) + ' ';
    }
    const auto read = [&](const char *bench, QByteArray data, const char *unit,
                          const std::function<void(QTextStream &)> &work) {
        QBuffer buffer(&data);
        buffer.open(QIODevice::ReadOnly);
        QTextStream stream(&buffer);
        const auto start = Clock::now();
        for (int i = 0; i < count; ++i)
            work(stream);
        reportEach(bench, start, count, unit);
    };
    QString line;
    qint64 integer;
    double real;
    read("text_read_line", lines, "ns/line", [&](QTextStream &s) { line = s.readLine(); });
    read("text_read_line_into", lines, "ns/line", [&](QTextStream &s) { s.readLineInto(&line); });
    read("text_read_word", words, "ns/word", [&](QTextStream &s) { s >> line; });
    read("text_read_int", integers, "ns/number", [&](QTextStream &s) { s >> integer; });
    read("text_read_double", reals, "ns/number", [&](QTextStream &s) { s >> real; });
    // The texts go over bytes that are there already: page faults are not the stream's.
    QByteArray out(64 << 20, ' ');
    const auto write = [&](const char *bench, const std::function<void(QTextStream &, int)> &work) {
        QBuffer buffer(&out);
        buffer.open(QIODevice::ReadWrite);
        QTextStream stream(&buffer);
        const auto start = Clock::now();
        for (int i = 0; i < count; ++i)
            work(stream, i);
        stream.flush();
        reportEach(bench, start, count, "ns/value");
    };
    const QString text("a line of a log, with about sixty characters in it");
    write("text_write_int", [](QTextStream &s, int i) { s << qint64(i) * 7919 << ' '; });
    write("text_write_double", [](QTextStream &s, int i) { s << i * 0.37 << ' '; });
    write("text_write_line", [&](QTextStream &s, int) { s << text << '\n'; });
}

// How costs grow with what there is already.
static void grow(int most)
{
    for (int count = 1; count <= most; count *= 10) {
        emitTo("emit_at_" + std::to_string(count), count);

        Emitter emitter;
        qint64 sum = 0;
        const auto slot = [&sum](qint64 value) { sum += value; };
        std::vector<QMetaObject::Connection> connections;
        for (int i = 0; i < count; ++i)
            connections.push_back(QObject::connect(&emitter, &Emitter::fired, slot));
        const int times = 20000;
        auto start = Clock::now();
        for (int i = 0; i < times; ++i) {
            auto &connection = connections[size_t(i) * 104729 % connections.size()];
            QObject::disconnect(connection);
            connection = QObject::connect(&emitter, &Emitter::fired, slot);
        }
        reportEach("reconnect_at_" + std::to_string(count), start, times, "ns");

        std::vector<std::unique_ptr<QTimer>> timers;
        for (int i = 0; i < count; ++i) {
            timers.push_back(std::make_unique<QTimer>());
            timers.back()->setTimerType(Qt::PreciseTimer);
            timers.back()->start(1000000 + int(qint64(i) * 7919 % 1000));
        }
        QTimer timer;
        timer.setTimerType(Qt::PreciseTimer);
        const int starts = count > 1000 ? 2000 : 20000;
        start = Clock::now();
        for (int i = 0; i < starts; ++i) {
            timer.start(1000000 + int(qint64(i) * 104729 % 1000));
            timer.stop();
        }
        reportEach("timer_at_" + std::to_string(count), start, starts, "ns/timer");
    }
}

static int micro(const QString &work, double seconds)
{
    if (work == "emit")
        for (int count : {1, 10, 100})
            emitToClosures(count);
    else if (work == "emit-to")
        for (int count : {1, 10, 100})
            emitTo("emit_to_n" + std::to_string(count), count);
    else if (work == "connect")
        connectAndDisconnect();
    else if (work == "queued")
        queued();
    else if (work == "crossthread")
        crossthread();
    else if (work == "zero")
        zero(seconds);
    else if (work == "timers10k")
        timers(10000);
    else if (work == "timers")
        timers(100000);
    else if (work == "echo")
        echo(seconds);
    else if (work == "blocking")
        blocking(seconds);
    else if (work == "burst")
        burst(seconds);
    else if (work == "text")
        text();
    else if (work == "grow")
        grow(100000);
    else
        return 2;
    return 0;
}

struct Count
{
    quint64 total = 0, left = 0;
};

static void sink(QTcpSocket *socket, Count &count)
{
    char buffer[65536];
    for (;;) {
        if (count.left == 0) {
            if (socket->bytesAvailable() < 8)
                return;
            socket->read(reinterpret_cast<char *>(&count.total), 8);
            count.left = count.total;
        }
        const qint64 want = qint64(qMin<quint64>(sizeof buffer, count.left));
        const qint64 got = socket->read(buffer, want);
        if (got <= 0)
            return;
        count.left -= quint64(got);
        if (count.left == 0)
            socket->write(reinterpret_cast<const char *>(&count.total), 8);
    }
}

static void supply(QTcpSocket *socket, quint64 &left)
{
    static const QByteArray block(65536, '\0');
    while (left > 0 && socket->bytesToWrite() < 1 << 20) {
        const quint64 count = qMin<quint64>(left, quint64(block.size()));
        socket->write(block.constData(), qint64(count));
        left -= count;
    }
}

static void serve(QTcpSocket *socket, const QString &mode)
{
    QObject::connect(socket, &QTcpSocket::disconnected, socket, &QObject::deleteLater);
    if (mode.endsWith("echo")) {
        QObject::connect(socket, &QTcpSocket::readyRead, [socket] {
            char buffer[16384];
            qint64 count;
            while ((count = socket->read(buffer, sizeof buffer)) > 0)
                socket->write(buffer, count);
        });
    } else if (mode.endsWith("sink")) {
        const auto count = std::make_shared<Count>();
        QObject::connect(socket, &QTcpSocket::readyRead, [=] { sink(socket, *count); });
    } else {
        const auto left = std::make_shared<quint64>(0);
        QObject::connect(socket, &QTcpSocket::bytesWritten, [=] { supply(socket, *left); });
        QObject::connect(socket, &QTcpSocket::readyRead, [=] {
            quint64 number;
            while (socket->bytesAvailable() >= 8) {
                socket->read(reinterpret_cast<char *>(&number), 8);
                *left += number;
            }
            supply(socket, *left);
        });
    }
}

class Server : public QTcpServer
{
    Q_OBJECT
public:
    QString mode;
    QSslConfiguration configuration;

protected:
    void incomingConnection(qintptr descriptor) override
    {
        const bool tls = mode.startsWith("tls");
        auto *encrypted = tls ? new QSslSocket : nullptr;
        QTcpSocket *socket = tls ? encrypted : new QTcpSocket;
        socket->setSocketDescriptor(descriptor);
        serve(socket, mode);
        if (tls) {
            encrypted->setSslConfiguration(configuration);
            encrypted->startServerEncryption();
        }
    }
};

static int listening(quint16 port)
{
    std::printf("LISTENING %d\n", port);
    std::fflush(stdout);
    return QCoreApplication::exec();
}

static int serve(const QStringList &arguments)
{
    const QString mode = arguments.value(2);
    if (mode == "udp") {
        QUdpSocket socket;
        QObject::connect(&socket, &QUdpSocket::readyRead, [&socket] {
            char buffer[2048];
            QHostAddress host;
            quint16 port;
            while (socket.hasPendingDatagrams()) {
                const qint64 count = socket.readDatagram(buffer, sizeof buffer, &host, &port);
                if (count >= 0)
                    socket.writeDatagram(buffer, count, host, port);
            }
        });
        socket.bind(QHostAddress(QHostAddress::LocalHost));
        return listening(socket.localPort());
    }
    Server server;
    server.mode = mode;
    if (mode.startsWith("tls")) {
        QFile chain(arguments.value(3)), key(arguments.value(4));
        if (!chain.open(QIODevice::ReadOnly) || !key.open(QIODevice::ReadOnly))
            return 2;
        server.configuration = QSslConfiguration::defaultConfiguration();
        server.configuration.setLocalCertificateChain(QSslCertificate::fromDevice(&chain));
        const QByteArray pem = key.readAll();
        const auto algorithm = pem.contains("RSA") ? QSsl::Rsa : QSsl::Ec;
        server.configuration.setPrivateKey(QSslKey(pem, algorithm));
        server.configuration.setPeerVerifyMode(QSslSocket::VerifyNone);
    }
    server.listen(QHostAddress::LocalHost, 0);
    return listening(server.serverPort());
}

// Qt's fortune client: it connects, prints one fortune and ends.
static int fortune(quint16 port)
{
    QTcpSocket socket;
    QDataStream in(&socket);
    in.setVersion(QDataStream::Qt_4_0);
    QObject::connect(&socket, &QTcpSocket::readyRead, [&in] {
        QString text;
        in.startTransaction();
        in >> text;
        if (!in.commitTransaction())
            return;
        std::printf("%s\n", text.toUtf8().constData());
        QCoreApplication::quit();
    });
    socket.connectToHost("127.0.0.1", port);
    return QCoreApplication::exec();
}

int main(int argc, char **argv)
{
    const QCoreApplication application(argc, argv);
    const QStringList arguments = application.arguments();
    const QString command = arguments.value(1);
    if (command == "micro")
        return micro(arguments.value(2), arguments.value(3, "1").toDouble());
    if (command == "server")
        return serve(arguments);
    if (command == "fortune")
        return fortune(arguments.value(2).toUShort());
    return 2;
}

#include "qtbench.moc"
