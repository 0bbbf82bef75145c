using System.Net;
using System.Net.Sockets;
using System.Text;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.App;

/// <summary>The way to the app: cleartext HTTP/2 to its port, with the app's token, never more calls at a time than allowed.</summary>
public sealed class AppChannel : IDisposable
{
    private readonly SidecarFlags _flags;
    private readonly SidecarSettings _settings;
    private readonly SemaphoreSlim? _slots;

    /// <summary>Creates the channel; connects on first use.</summary>
    public AppChannel(SidecarFlags flags, SidecarSettings settings)
    {
        ArgumentNullException.ThrowIfNull(flags);
        _flags = flags;
        _settings = settings;
        _slots = flags.AppMaxConcurrency is { } most ? new SemaphoreSlim(most) : null;
        Address = flags.AppPort is { } port ? new UriBuilder("http", flags.AppChannelAddress, port).Uri : null;
        Invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            InitialHttp2StreamWindowSize = 1024 * 1024,
            // Metadata of a message becomes headers of its delivery; Dapr sends their UTF-8 bytes as they are.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        });
    }

    /// <summary>Base address of the app; null when the sidecar has no app port.</summary>
    public Uri? Address { get; }

    /// <summary>Sends to the app without the token and without counting against the limit: for proxies, which add both themselves.</summary>
    public HttpMessageInvoker Invoker { get; }

    /// <summary>Adds the headers the app may rely on.</summary>
    public void AddToken(System.Net.Http.Headers.HttpRequestHeaders headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (_settings.AppToken is { } token)
            headers.TryAddWithoutValidation("dapr-api-token", token);
    }

    /// <summary>Waits for a free slot under <c>--app-max-concurrency</c>; dispose what comes back when the call has ended.</summary>
    public async ValueTask<Slot> EnterAsync(CancellationToken cancellationToken)
    {
        if (_slots is not null)
            await _slots.WaitAsync(cancellationToken);
        return new Slot(_slots);
    }

    /// <summary>Calls the app over HTTP/2.</summary>
    /// <exception cref="HttpRequestException">The app cannot be reached or broke the connection.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        AddToken(request.Headers);
        using var slot = await EnterAsync(cancellationToken);
        return await Invoker.SendAsync(request, cancellationToken);
    }

    /// <summary>Whether the app port accepts a TCP connection now.</summary>
    public async Task<bool> AcceptsAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(_flags.AppChannelAddress, _flags.AppPort!.Value, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Invoker.Dispose();
        _slots?.Dispose();
    }

    /// <summary>A call to the app under way.</summary>
    public readonly struct Slot(SemaphoreSlim? slots) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => slots?.Release();
    }
}
